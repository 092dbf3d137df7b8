"""The training process makes each batch itself, and computes nothing meanwhile.

What it is
----------
A `DataLoader` without workers (`num_workers=0`, the default) reads, decodes and joins the items of a batch in the
process that trains, between two steps.

Why it is slow
--------------
Making a batch and using it come one after the other, though they could go on at the same time on other cores, or while
a disk or a network is waited for.

How it shows
------------
The part of the wall time in which the script waits for the next batch of a loader with no workers. The threshold is
5 % of the step. What must remain is what the cores allow: a step cannot be shorter than its CPU time over all of them.
Source: PyTorch's performance tuning guide ("enable asynchronous data loading"), and the wait itself, measured.

When it does not matter
-----------------------
When a batch is a slice of an array that is in memory already. When there is one core.

Risk
----
None of its own; workers take memory, and random augmentation draws other numbers in them.
"""

from __future__ import annotations

from collections.abc import Iterator

from unslow.core.finding import Evidence, Finding, Habit
from unslow.core.units import seconds
from unslow.core.units import share as show_share
from unslow.habits._script import LEAST_WAIT, data_share, overlapped_floor, waited_for

NAME = "loader-in-main-process"


def detect(evidence: Evidence) -> Iterator[Finding]:
    """One finding, for the loader that is waited for longest."""
    loader = waited_for(evidence, lambda loader: loader.workers == 0)
    share = data_share(evidence, loader) if loader is not None else 0.0
    if loader is None or share < LEAST_WAIT:
        return
    title = (
        f"{show_share(share)} of a step is the training process making the batch itself "
        f"({seconds(loader.wait_s)} each): the DataLoader has no workers."
    )
    numbers = {
        "wait_s": loader.wait_s,
        "item_s": loader.item_s,
        "collate_s": loader.collate_s,
        "batch_size": loader.batch_size,
        "workers": loader.workers,
    }
    advice = "Give the DataLoader num_workers=N, at most the number of cores where items are computed."
    yield Finding(NAME, title, share, overlapped_floor(evidence, share), numbers, str(loader.site), advice)


HABIT = Habit(name=NAME, area="data", detect=detect)
