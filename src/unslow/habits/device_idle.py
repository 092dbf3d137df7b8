"""The device waits for the host, and neither a loader nor small kernels explain it.

What it is
----------
An accelerator computes only what the host has launched. While the host does something else (Python between two steps,
a synchronisation, a metric computed in NumPy), the device has nothing to do.

Why it is slow
--------------
The most expensive part of the machine stands still.

How it shows
------------
The part of the steps in which the device does nothing and no batch is waited for, where `launch-bound` does not explain
it. The threshold is 15 % of the steps. What must remain is not known: it depends on what the host does. Source:
TraceLens' threshold.

When it does not matter
-----------------------
At the end of a recording, and where the device is shared with another process that uses it meanwhile.

Risk
----
None of its own.
"""

from __future__ import annotations

from collections.abc import Iterator

from unslow.core.finding import Evidence, EvidenceValue, Finding, Habit
from unslow.core.units import share as show_share
from unslow.habits._devices import is_launch_bound, short_kernels, the_device, waiting

NAME = "device-idle"
LEAST_IDLE = 0.15
NAMED = 2


def detect(evidence: Evidence) -> Iterator[Finding]:
    """One finding, for the device that is busy longest."""
    device = the_device(evidence)
    if device is None:
        return
    why = waiting(evidence, device)
    share = why.idle - why.loading
    if share < LEAST_IDLE or is_launch_bound(why, short_kernels(device)):
        return
    doing = _on_the_host(evidence)
    title = f"{device.name} is idle {show_share(why.idle)} of the time" + (
        f", {show_share(why.loading)} of it waiting for a batch." if why.loading >= 0.01 else "."
    )
    numbers: dict[str, EvidenceValue] = {
        "idle_share": why.idle,
        "loading_share": why.loading,
        "sync_share": why.asking,
        "host_late_share": why.late,
        "queue_share": why.queue,
        **{f"host_{name}_share": part for name, part in doing},
    }
    named = ", ".join(f"{name} {show_share(part)}" for name, part in doing)
    advice = f"See what the host does meanwhile{f': {named}' if named else ''}."
    if not any(span.details.get("python") for span in evidence.profile.spans):
        advice += " Recorded with Python stacks (torch.profiler.profile(with_stack=True)), it is told by line."
    yield Finding(NAME, title, share, None, numbers, advice=advice)


def _on_the_host(evidence: Evidence) -> list[tuple[str, float]]:
    """What the host did longest while the device was idle, by name."""
    profile = evidence.profile
    totals: dict[str, int] = {}
    for span, own_ns in zip(profile.spans, profile.own_ns, strict=True):
        if span.category in ("framework", "sync", "io") and span.parent >= 0:
            totals[span.name] = totals.get(span.name, 0) + own_ns
    longest = sorted(totals.items(), key=lambda item: -item[1])[:NAMED]
    return [(name, own_ns / profile.wall_ns) for name, own_ns in longest]


HABIT = Habit(name=NAME, area="device", detect=detect, advice_only=True)
