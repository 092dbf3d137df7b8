"""Devices wait for exchanging gradients or activations with each other.

What it is
----------
Training on several devices sums the gradients of all after each step (an all-reduce), or passes activations on. While
nothing else is ready to be computed, a device waits for that.

Why it is slow
--------------
The links between devices are slower than their memory, and those between machines slower still. What is not hidden
behind the backward pass makes every step longer, on every device.

How it shows
------------
The part of the steps in which kernels of a communication library (NCCL, RCCL) run and nothing is computed meanwhile,
less what the other devices show to be waiting for the slowest of them. The threshold is 10 % of the steps. Nothing of
it must remain: perfect overlap hides it all, where computing takes as long. How much of the exchanges is hidden is told
for each device. Source: PyTorch's TensorBoard plugin, and XProf's all-reduce rule.

When it does not matter
-----------------------
When the exposed part is the waiting for a slower device: then that one is the cause, and faster links change nothing.

Risk
----
Compressed gradients are less exact. Larger buckets take memory. Accumulating more micro-batches changes the training.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from unslow.core.device import Device
from unslow.core.finding import Evidence, EvidenceValue, Finding, Habit
from unslow.core.units import share as show_share
from unslow.habits._devices import the_device
from unslow.habits._ranks import LEAST_WAITED, exposed_communication, late

NAME = "communication-bound"
LEAST_EXPOSED = 0.10


def detect(evidence: Evidence) -> Iterator[Finding]:
    """One finding, for the device that is busy longest."""
    device = the_device(evidence)
    share = evidence.profile.shares["communication"] - _waiting(evidence) if device is not None else 0.0
    if device is None or share < LEAST_EXPOSED:
        return
    exchanges = [one for one in device.activities if one.kind == "communication"]
    times_ns = Counter[str]()
    for one in exchanges:
        times_ns[one.name] += one.duration_ns
    whole = device.share(lambda one: one.kind == "communication")
    title = (
        f"{show_share(share)} of the time {device.name} only exchanges data with others; {show_share(whole)} with what "
        f"is hidden behind computing. Most of it is {times_ns.most_common(1)[0][0]}."
    )
    numbers: dict[str, EvidenceValue] = {
        "exposed_communication_share": share,
        "communication_share": whole,
        "overlapped_part": _overlapped(device),
        "exchanges": len(exchanges),
    }
    if len(evidence.profile.devices) > 1:
        numbers |= {f"overlapped_part ({one.name})": _overlapped(one) for one in evidence.profile.devices}
    advice = (
        "Overlap it with the backward pass (DistributedDataParallel's buckets), accumulate more micro-batches under "
        "no_sync(), exchange 16-bit gradients (a DDP communication hook)."
    )
    yield Finding(NAME, title, share, 0.0, numbers, advice=advice)


def _waiting(evidence: Evidence) -> float:
    """What the busiest device waits longer than the last one of each step: that is another habit."""
    last, device = late(evidence), the_device(evidence)
    if last is None or device is None or last.waited < LEAST_WAITED:
        return 0.0
    return max(0.0, exposed_communication(device) - last.least)


def _overlapped(device: Device) -> float:
    """The part of the device's exchanges that is hidden behind something else."""
    whole = device.share(lambda one: one.kind == "communication")
    return max(0.0, 1 - exposed_communication(device) / whole) if whole else 0.0


HABIT = Habit(name=NAME, area="device", detect=detect, advice_only=True)
