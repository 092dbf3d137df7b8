"""Every epoch starts its loader workers anew, and waits for the first batch.

What it is
----------
A `DataLoader` with workers and without `persistent_workers=True` ends its processes after an epoch and starts others
for the next.

Why it is slow
--------------
A new process imports what it needs or copies its parent, opens files again, and makes a first batch, while the step
waits.

How it shows
------------
What the first batch of an epoch is waited for longer than the others, over the batches of an epoch and by how many of
them a step takes; all of the wait, where each batch is the first of an epoch. The threshold is 1 % of the time. Nothing
need remain; the rest of the step counts as what it may be without (see `explain decoding-repeated`), since the batches
after the first are waited for too. Source: PyTorch's `DataLoader` documentation, and the wait itself, measured.

When it does not matter
-----------------------
With one epoch, or epochs of many minutes. Where the data set changes from epoch to epoch (`set_epoch`), it says
nothing: workers that live on would not see that.

Risk
----
None of its own.
"""

from __future__ import annotations

from collections.abc import Iterator

from unslow.core.finding import Evidence, Finding, Habit
from unslow.core.script import LoaderFacts, ScriptFacts
from unslow.core.units import seconds
from unslow.habits._script import data_share, waited_for
from unslow.habits._shares import LEAST_SHARE, is_empty, rest_without

NAME = "loader-workers-restart"


def detect(evidence: Evidence) -> Iterator[Finding]:
    """One finding, for the loader that is waited for longest."""
    script = evidence.facts.script
    loader = waited_for(evidence, _starts_anew)
    if script is None or loader is None or is_empty(evidence.profile) or (script.ended and loader.epochs == 1):
        return
    share = _share(evidence, script, loader)
    if share < LEAST_SHARE:
        return
    begun = "Every batch" if _is_begun_for_each(loader) else f"Every epoch of {loader.batches_per_epoch} batches"
    title = (
        f"{begun} starts {loader.workers} loader workers anew, and waits "
        f"{seconds(loader.restart_s)} for its first batch."
    )
    numbers = {
        "restart_s": loader.restart_s,
        "wait_s": loader.wait_s,
        "batches_per_epoch": loader.batches_per_epoch,
        "workers": loader.workers,
    }
    advice, at_best = "Set persistent_workers=True.", rest_without(evidence.profile, share)
    if _is_begun_for_each(loader):
        advice += " Where batches are taken by next(iter(loader)), loop over one iterator instead."
    yield Finding(NAME, title, share, 0.0, numbers, str(loader.site), advice, at_best)


def _starts_anew(loader: LoaderFacts) -> bool:
    return loader.workers > 0 and not loader.persistent and not loader.changes


def _is_begun_for_each(loader: LoaderFacts) -> bool:
    """Whether no batch was taken but the first ones: of epochs of one batch, or by `next(iter(loader))`."""
    return loader.batches == loader.epochs > 1


def _share(evidence: Evidence, script: ScriptFacts, loader: LoaderFacts) -> float:
    """The part of the time in which first batches are waited for longer than others: all, where there are no others."""
    if _is_begun_for_each(loader):
        return data_share(evidence, loader)
    if not loader.batches_per_epoch:
        return 0.0
    # An evaluation's loader gives few of a script's batches, and gradients may be gathered over several.
    each_step = loader.batches / max(1, script.steps)
    extra = max(0.0, loader.restart_s - loader.wait_s) / loader.batches_per_epoch * each_step
    return extra / (evidence.facts.seconds_per_request + extra)


HABIT = Habit(name=NAME, area="data", detect=detect)
