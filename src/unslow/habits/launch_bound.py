"""The device finishes each small piece of work before the host has launched the next one.

What it is
----------
Every kernel is launched by the host: Python, the framework's dispatcher and the driver take some 5 to 50 µs for each.
A device that needs less than that for the kernel itself waits for the next launch most of the time.

Why it is slow
--------------
The step takes as long as launching it, however fast the device is: a faster one changes nothing.

How it shows
------------
The device is idle, and what comes next in its queue is not launched yet: that part of the time, where no loader, no
synchronisation and no file is waited for. The threshold is 15 % of the steps, with at least half of the kernels shorter
than 10 µs. Nothing of it must remain: a captured graph launches all kernels at once. Sources: TraceLens' threshold for
idle devices and XProf's for launches; nsys-ai's for tiny kernels.

When it does not matter
-----------------------
When the step is fast enough already, or when larger batches would make the kernels longer anyway.

Risk
----
Captured and compiled graphs freeze shapes and the Python around them. Larger batches change the training.
"""

from __future__ import annotations

from collections.abc import Iterator

from unslow.core.finding import Evidence, EvidenceValue, Finding, Habit
from unslow.core.units import share as show_share
from unslow.habits._devices import SHORT_KERNEL_NS, is_launch_bound, short_kernels, the_device, waiting

NAME = "launch-bound"


def detect(evidence: Evidence) -> Iterator[Finding]:
    """One finding, for the device that is busy longest."""
    device = the_device(evidence)
    if device is None:
        return
    why, short = waiting(evidence, device), short_kernels(device)
    if not is_launch_bound(why, short):
        return
    kernels = sum(1 for one in device.activities if one.kind == "kernel")
    title = (
        f"{device.name} is idle {show_share(why.idle)} of the time, most of it because the host has not launched "
        f"the next kernel yet: {show_share(short)} of its {kernels:,} kernels take less than "
        f"{SHORT_KERNEL_NS // 1000} µs."
    )
    numbers: dict[str, EvidenceValue] = {
        "idle_share": why.idle,
        "host_late_share": why.late,
        "queue_share": why.queue,
        "busy_share": device.share(),
        "kernels": kernels,
        "short_kernels_share": short,
        "window_ms": device.window_ns / 1e6,
    }
    advice = "Launch more at once: torch.compile(mode='reduce-overhead') or CUDA graphs, larger batches, fused kernels."
    yield Finding(NAME, title, why.late, 0.0, numbers, advice=advice)


HABIT = Habit(name=NAME, area="device", detect=detect, advice_only=True)
