"""The device waits for small pieces of work while most of its memory is empty: batches could be larger.

What it is
----------
A batch size that was chosen for a smaller device, or for the processor, and never raised.

Why it is slow
--------------
Launching a kernel takes the host as long for few samples as for many. With small batches the device is done before
the next one is launched, and most of it has nothing to do.

How it shows
------------
The most memory that the process has had allocated on the device, of what the device has: a third at most; and the
device is idle for 15 % of the steps or more because the host has not launched what comes next. At stake is that part
of the time. What must remain of it is the part of the memory that is used: a batch cannot become more times as large
than the memory allows. Nothing is said where a recording does not know the memory (PyTorch's needs
`profile_memory=True`). Sources: DLProf's rule for small memory use, without its threshold: below a third the batch can
be doubled with room to spare; TraceLens' threshold for idle devices.

When it does not matter
-----------------------
At inference of single requests, where latency counts. When other processes use the rest of the memory.

Risk
----
Larger batches change the training: fewer steps an epoch, and a learning rate that no longer fits. Whether the result is
as good has to be seen.
"""

from __future__ import annotations

from collections.abc import Iterator

from unslow.core.finding import Evidence, EvidenceValue, Finding, Habit
from unslow.core.units import share as show_share
from unslow.core.units import size
from unslow.habits._devices import LEAST_LATE, the_device, waiting

NAME = "memory-underused"
MOST_USED = 1 / 3


def detect(evidence: Evidence) -> Iterator[Finding]:
    """One finding, for the device that is busy longest."""
    device = the_device(evidence)
    if device is None or device.memory_bytes <= 0 or device.peak_bytes <= 0:
        return
    used, why = device.peak_bytes / device.memory_bytes, waiting(evidence, device)
    if used > MOST_USED or why.late < LEAST_LATE:
        return
    title = (
        f"{device.name} uses {size(device.peak_bytes)} of its {size(device.memory_bytes)} and waits "
        f"{show_share(why.late)} of the time for the next launch: larger batches would fit."
    )
    numbers: dict[str, EvidenceValue] = {
        "peak_bytes": device.peak_bytes,
        "memory_bytes": device.memory_bytes,
        "memory_used_share": used,
        "host_late_share": why.late,
        "busy_share": device.share(),
    }
    advice = (
        "Double the batch until memory is three quarters full or the time per sample falls no more (up to "
        f"{1 / used:.0f} times as large fits); adapt the learning rate, and look whether the result is as good."
    )
    yield Finding(NAME, title, why.late, used, numbers, advice=advice)


HABIT = Habit(name=NAME, area="device", detect=detect, advice_only=True)
