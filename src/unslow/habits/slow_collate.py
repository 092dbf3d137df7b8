"""Joining items to a batch takes a large part of making it.

What it is
----------
A `DataLoader` has a `collate_fn` that goes over the items, or over their numbers, in Python.

Why it is slow
--------------
Joining is copying: numbers that go through Python one by one take a hundred times as long.

How it shows
------------
What joining one batch takes, tried with the loader's own function, at 20 % of making the batch or more, and five times
what copying its bytes at 2 GB/s would or more, while the script waits for data in 5 % of the step or more. What must
remain is what joining each field at once takes, where that was tried (where it takes half or more, nothing is said);
else the copying.
Source: the joining itself, tried; xprof's input-pipeline analysis calls waiting for input moderate from 5 % on.

When it does not matter
-----------------------
Where workers make batches faster than they are used.

Risk
----
None of its own.
"""

from __future__ import annotations

from collections.abc import Iterator

from unslow.core.finding import Evidence, EvidenceValue, Finding, Habit
from unslow.core.script import LoaderFacts
from unslow.core.units import seconds
from unslow.core.units import share as show_share
from unslow.habits._script import COPIED_BYTES_PER_S, LEAST_WAIT, TIMES_COPYING, steady_share, waited_for
from unslow.habits._shares import rest_without

NAME = "slow-collate"
LEAST_PART, TIMES_AT_ONCE = 0.2, 2.0
COLDEST = 0.85
"""Of what follows: collation goes over numbers in Python, slowly, so that it empties the caches less than other wastes
of its length."""
ALL_BUSY = 0.85
"""The part of the cores from which on processes wait for each other."""


def detect(evidence: Evidence) -> Iterator[Finding]:
    """One finding, for the loader that is waited for longest."""
    loader, step_s = waited_for(evidence, _joins_slowly), evidence.facts.seconds_per_request
    waited = steady_share(evidence, loader) if loader is not None else 0.0
    if loader is None or waited < LEAST_WAIT or step_s <= 0:
        return
    share = min(waited, _share_of_step(evidence, loader, step_s))
    remains_s = loader.vector_collate_s or _copied_s(loader)
    title = (
        f"{show_share(share)} of a step waits for items that are joined to a batch: "
        f"{seconds(loader.collate_s)} for {loader.batch_size} of them."
    )
    numbers: dict[str, EvidenceValue] = {
        "collate_s": loader.collate_s,
        "vector_collate_s": loader.vector_collate_s,
        "item_s": loader.item_s,
        "batch_size": loader.batch_size,
    }
    if loader.why_not_vectorised:
        numbers["why_not_vectorised"] = loader.why_not_vectorised
    site = str(loader.collate or loader.site)
    advice = "Join each field of all items at once: torch.stack, or numpy.stack and one torch.from_numpy."
    at_best = 1.0 if loader.workers else max(COLDEST, rest_without(evidence.profile, share))
    yield Finding(NAME, title, share, min(1.0, remains_s / loader.collate_s), numbers, site, advice, at_best)


def _joins_slowly(loader: LoaderFacts) -> bool:
    made_s = loader.collate_s + loader.item_s * loader.batch_size
    least_s = max(LEAST_PART * made_s, TIMES_COPYING * _copied_s(loader), TIMES_AT_ONCE * loader.vector_collate_s)
    return loader.collate_s > least_s


def _share_of_step(evidence: Evidence, loader: LoaderFacts, step_s: float) -> float:
    """Where no core is free, workers take longer than was tried: what counts is the part of what they do."""
    facts = evidence.facts
    if loader.workers and facts.cores_wanted >= ALL_BUSY * evidence.machine.cores:
        return loader.collate_s / (loader.collate_s + loader.item_s * loader.batch_size)
    return loader.collate_s / max(1, loader.workers) / step_s


def _copied_s(loader: LoaderFacts) -> float:
    return loader.item_bytes * loader.batch_size / COPIED_BYTES_PER_S


HABIT = Habit(name=NAME, area="data", detect=detect)
