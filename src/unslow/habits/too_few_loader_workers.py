"""Loader workers make batches more slowly than they are used: the step waits although there are workers.

What it is
----------
A `DataLoader` has workers, and the script still waits for the next batch.

Why it is slow
--------------
N workers give a batch every (time of a batch ÷ N). Where that is longer than the rest of the step, the rest waits.

How it shows
------------
The part of the wall time in which the script waits for a loader with workers. The threshold is 5 % of the step; waiting
for workers that an epoch starts anew is another habit. What must remain is what the cores allow, which the items and
their joining keep busy too. Source: Little's law, and the wait itself, measured.

When it does not matter
-----------------------
When all cores are busy: more workers then only take turns. When the wait is that of an epoch's first batch.

Risk
----
None of its own; each worker is a process that takes memory.
"""

from __future__ import annotations

from collections.abc import Iterator

from unslow.core.finding import Evidence, Finding, Habit
from unslow.core.units import seconds
from unslow.core.units import share as show_share
from unslow.habits._script import LEAST_WAIT, overlapped_floor, steady_share, waited_for

NAME = "too-few-loader-workers"


def detect(evidence: Evidence) -> Iterator[Finding]:
    """One finding, for the loader that is waited for longest."""
    loader = waited_for(evidence, lambda loader: loader.workers > 0)
    share = steady_share(evidence, loader) if loader is not None else 0.0
    if loader is None or share < LEAST_WAIT:
        return
    known = f"{loader.workers} " if loader.site.file else ""  # A recording made elsewhere does not say how many.
    title = (
        f"{show_share(share)} of a step waits for the DataLoader's {known}workers "
        f"({seconds(loader.wait_s)} a batch): they make batches more slowly than they are used."
    )
    numbers = {"wait_s": loader.wait_s, "item_s": loader.item_s, "workers": loader.workers}
    advice = "Raise num_workers, up to the cores; beyond them where items are waited for rather than computed."
    yield Finding(NAME, title, share, overlapped_floor(evidence, share), numbers, str(loader.site), advice)


HABIT = Habit(name=NAME, area="data", detect=detect)
