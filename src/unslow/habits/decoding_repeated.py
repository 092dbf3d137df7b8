"""The same items are made anew in every epoch, though they come out the same each time.

What it is
----------
A data set reads and decodes an item (a JPEG, a parquet row, an object from a store) whenever it is asked for it, and
nothing in it is random: the second epoch makes what the first one made.

Why it is slow
--------------
Decoding a photo takes milliseconds, copying its pixels from memory takes microseconds.

How it shows
------------
The part of the wall time in which the script waits for a loader whose items, asked for several times, were the same to
the bit and drew no random numbers, and take more than five times as long as copying their bytes at 2 GB/s would, and
more than twice as long as reading them back from a mapped file (20 µs, and the copying). Of the wait the part counts
that items take in making a batch, beside joining them. The threshold is 5 % of the step. What must remain is 1 µs an
item, to find it in a list. What follows a long wait is slower than what does not: where it takes an eighth of a step or
more, the rest counts as in the quickest steps, and where it takes more than two fifths, as what may be up to three
times as fast (from 95 % on). Source: the items, tried.

When it does not matter
-----------------------
With a single epoch. When the decoded items do not fit into memory or on the disk.

Risk
----
A data set that changes between epochs by itself would be frozen.
"""

from __future__ import annotations

from collections.abc import Iterator

from unslow.core.finding import Evidence, Finding, Habit
from unslow.core.script import LoaderFacts
from unslow.core.units import seconds, size
from unslow.core.units import share as show_share
from unslow.habits._script import (
    COPIED_BYTES_PER_S,
    FOUND_ITEM_S,
    LEAST_WAIT,
    TIMES_COPYING,
    item_part,
    kept_item_s,
    steady_share,
    waited_for,
)
from unslow.habits._shares import rest_at_best

NAME = "decoding-repeated"
TIMES_KEPT = 2.0


def detect(evidence: Evidence) -> Iterator[Finding]:
    """One finding, for the loader that is waited for longest."""
    loader = waited_for(evidence, _made_anew)
    share = steady_share(evidence, loader) * item_part(loader) if loader is not None else 0.0
    if loader is None or share < LEAST_WAIT:
        return
    title = (
        f"{show_share(share)} of a step waits for items that come out the same each time: {seconds(loader.item_s)} "
        f"to make {size(loader.item_bytes)} anew."
    )
    numbers = {"item_s": loader.item_s, "item_bytes": loader.item_bytes, "items": loader.items, "epochs": loader.epochs}
    advice = "Decode once, and keep the items as arrays: in memory, or in a memory-mapped file."
    floor, at_best = min(1.0, FOUND_ITEM_S / loader.item_s), rest_at_best(evidence.profile, "data")
    yield Finding(NAME, title, share, floor, numbers, str(loader.site), advice, at_best)


def _made_anew(loader: LoaderFacts) -> bool:
    least_s = max(TIMES_COPYING * loader.item_bytes / COPIED_BYTES_PER_S, TIMES_KEPT * kept_item_s(loader))
    slow = loader.item_s > least_s
    return loader.deterministic and not loader.why_not_cached and loader.item_bytes > 0 and slow


HABIT = Habit(name=NAME, area="data", detect=detect)
