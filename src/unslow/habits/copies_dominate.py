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
The part of the steps in which the device copies from or to the host, and computes nothing meanwhile. The threshold is 5
%. Nothing of it must remain, as far as the data could stay on the device. Source: TraceLens' threshold for host-to-
device copies.

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
from unslow.habits._devices import copies, exposed_copies, is_with_host, the_device

NAME = "copies-dominate"
LEAST_EXPOSED = 0.05


def detect(evidence: Evidence) -> Iterator[Finding]:
    """One finding, for the device that is busy longest."""
    device = the_device(evidence)
    share = exposed_copies(evidence, is_with_host)
    if device is None or share < LEAST_EXPOSED:
        return
    found = [one for one in copies(device) if is_with_host(one.details)]
    by_way, times_ns = Counter[str](), Counter[str]()
    for one in found:
        by_way[_way(one)] += int(one.details.get("bytes", 0))
        times_ns[_way(one)] += one.duration_ns
    way = max(times_ns, key=lambda name: times_ns[name], default="")
    copied = device.share(lambda one: one.kind == "copy" and is_with_host(one.details))
    title = (
        f"{show_share(share)} of the time {device.name} copies and computes nothing meanwhile: "
        f"{size(by_way[way])} {way} in {sum(_way(one) == way for one in found):,} copies."
    )
    numbers: dict[str, EvidenceValue] = {
        "exposed_copy_share": share,
        "copy_share": copied,
        "overlapped_copy_share": max(0.0, copied - share),
        "copies": len(found),
        "copies_ms": sum(times_ns.values()) / 1e6,
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


HABIT = Habit(name=NAME, area="device", detect=detect, advice_only=True)
