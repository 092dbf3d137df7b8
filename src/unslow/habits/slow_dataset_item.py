"""Making one item of the data set takes long, and neither workers nor a cache can hide it.

What it is
----------
`__getitem__` of a data set reads, decodes or transforms in a way that takes milliseconds for each item.

Why it is slow
--------------
Workers share the work out among cores, which may all be busy; a cache keeps items that are always the same, which
random augmentation does not leave so. What remains is the work itself.

How it shows
------------
The part of the wall time in which the script waits for items of a loader that take more than half of making its
batches, and five times what copying their bytes at 2 GB/s would or more, where the cores do not let workers hide the
wait, or the items cannot be kept, or there are workers already. The threshold is 5 % of the step. The line of the data
set's own code that takes longest is named: the lines of one item were timed. (Samples of the stack would name the lines
after which a library lets go of the interpreter.) How fast it could be is not known: the finding is not scored. Source:
the items themselves, tried; xprof's input-pipeline analysis calls waiting for input moderate from 5 % on.

When it does not matter
-----------------------
Where another change hides the wait.

Risk
----
Another way of decoding or of resizing may give slightly other numbers.
"""

from __future__ import annotations

from collections.abc import Iterator

from unslow.core.finding import Evidence, Finding, Habit
from unslow.core.script import LoaderFacts
from unslow.core.units import seconds
from unslow.core.units import share as show_share
from unslow.habits._script import (
    COPIED_BYTES_PER_S,
    LEAST_WAIT,
    TIMES_COPYING,
    item_part,
    kept_item_s,
    overlapped_floor,
    steady_share,
    waited_for,
)

NAME = "slow-dataset-item"
LEAST_PART = 0.5


def detect(evidence: Evidence) -> Iterator[Finding]:
    """One finding, for the loader that is waited for longest, where it is known which line takes the time."""
    loader = waited_for(evidence, _made_slowly)
    waited = steady_share(evidence, loader) if loader is not None else 0.0
    if loader is None or waited < LEAST_WAIT or _can_be_hidden(evidence, loader, waited):
        return
    share = waited * item_part(loader)
    line, part = loader.slowest_line, loader.slowest_line_part
    if not line or share < LEAST_WAIT:
        return
    title = (
        f"{show_share(share)} of a step waits for items that take {seconds(loader.item_s)} each to make; "
        f"{show_share(part)} of that is at {line}."
    )
    numbers = {"item_s": loader.item_s, "line_part": part, "batch_size": loader.batch_size, "data_set": loader.dataset}
    advice = "Do less there: decode at the size that is used, read less, or prepare the data set once beforehand."
    yield Finding(NAME, title, share, None, numbers, line, advice)


def _made_slowly(loader: LoaderFacts) -> bool:
    copied_s = loader.item_bytes / COPIED_BYTES_PER_S
    least_s = max(TIMES_COPYING * copied_s, kept_item_s(loader))
    return item_part(loader) >= LEAST_PART and loader.item_s > least_s


def _can_be_hidden(evidence: Evidence, loader: LoaderFacts, waited: float) -> bool:
    """Whether workers would hide all of the wait, and a cache could keep the items: then nothing of it remains."""
    can_be_kept = loader.deterministic and not loader.why_not_cached
    return can_be_kept and loader.workers == 0 and overlapped_floor(evidence, waited) == 0


HABIT = Habit(name=NAME, area="data", detect=detect, advice_only=True)
