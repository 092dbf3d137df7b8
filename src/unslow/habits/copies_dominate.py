"""The device waits for copies between its memory and the host's.

What it is
----------
Weights, activations or batches that travel to the device and back in every step: layers that are kept on the host
because memory is short, results that are fetched one by one, data that could stay where it is.

Why it is slow
--------------
The connection to the host is 10 to 100 times slower than the device's own memory, and while nothing else is ready to be
computed, the device waits for it.

How it shows
------------
The part of the steps in which the device copies and computes nothing meanwhile. The threshold is 5 % (TraceLens' for
host-to-device copies). Nothing of it must remain, as far as the data could stay on the device.

When it does not matter
-----------------------
When the model does not fit into the device's memory in any precision: then copies can only be hidden behind computing.

Risk
----
What stays on the device takes its memory.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from unslow.core.device import Activity
from unslow.core.finding import Evidence, EvidenceValue, Finding, Habit
from unslow.core.units import share as show_share
from unslow.core.units import size
from unslow.habits._devices import copies, the_device

NAME = "copies-dominate"
LEAST_EXPOSED = 0.05


def detect(evidence: Evidence) -> Iterator[Finding]:
    """One finding, for the device that is busy longest."""
    device = the_device(evidence)
    share = evidence.profile.shares["transfer"] if device is not None else 0.0
    if device is None or share < LEAST_EXPOSED:
        return
    found = copies(device)
    by_way = Counter[str]()
    for one in found:
        by_way[_way(one)] += int(one.details.get("bytes", 0))
    way, most_bytes = max(by_way.items(), key=lambda item: item[1], default=("", 0))
    copied = device.share(lambda one: one.kind == "copy")
    title = (
        f"{show_share(share)} of the time {device.name} copies and computes nothing meanwhile: {size(most_bytes)} {way} "
        f"in {len(found):,} copies."
    )
    numbers: dict[str, EvidenceValue] = {
        "exposed_copy_share": share,
        "copy_share": copied,
        "overlapped_copy_share": max(0.0, copied - share),
        "copies": len(found),
        "window_ms": device.window_ns / 1e6,
        **{f"{name}_bytes": amount for name, amount in by_way.items() if name},
    }
    advice = (
        "Keep on the device what is used again; else copy the next part on a stream of its own while this one is "
        "computed (from pinned memory, non_blocking=True), or store it in fewer bits."
    )
    yield Finding(NAME, title, share, 0.0, numbers, advice=advice)


def _way(copy: Activity) -> str:
    memory = copy.details.get("memory", "")
    return " ".join(part for part in (str(copy.details.get("direction", "")), memory and f"({memory})") if part)


HABIT = Habit(name=NAME, detect=detect, advice_only=True)
