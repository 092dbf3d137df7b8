"""Batches are copied to the GPU from ordinary memory, and the step waits for it.

What it is
----------
A `DataLoader` without `pin_memory=True` gives batches in memory that the system may move. The driver first copies them
to a place of its own, and `.to("cuda")` returns only when it has.

Why it is slow
--------------
The bytes are copied twice, and the GPU computes nothing meanwhile. From pinned memory the copy is one, and with
`non_blocking=True` it goes on beside the step.

How it shows
------------
The time inside calls that copy new tensors from unpinned memory to a CUDA device in at least every second step, where a
loader of the script does not pin. The threshold is 1 % of the step. Nothing need remain: such copies overlap with
computing. Source: Nsight Systems' rule for pageable copies, PyTorch's performance tuning guide.

When it does not matter
-----------------------
When batches are small beside what is computed on them.

Risk
----
Pinned memory cannot be swapped out: too much of it slows the whole machine.
"""

from __future__ import annotations

from collections.abc import Iterator

from unslow.core.device import Device
from unslow.core.finding import Evidence, Finding, Habit
from unslow.core.units import share as show_share
from unslow.core.units import size
from unslow.habits._copies import frequent_copies, is_always_the_same, share_of
from unslow.habits._devices import copies, exposed_copies, the_device
from unslow.habits._shares import LEAST_SHARE, is_empty

NAME = "pageable-copies"
TO_DEVICE = "host-to-device"


def detect(evidence: Evidence) -> Iterator[Finding]:
    """One finding, at the copy that takes longest."""
    device = the_device(evidence)
    if device is not None:
        yield from _recorded(evidence, device)
        return
    script = evidence.facts.script
    if script is None or not any(not loader.pinned for loader in script.loaders):
        return
    batches = [copy for copy in frequent_copies(script) if copy.details["target"] == "cuda"]
    batches = [copy for copy in batches if not copy.details["pinned"] and not is_always_the_same(copy)]
    share = share_of(batches, evidence, script)
    if not batches or share < LEAST_SHARE:
        return
    longest = max(batches, key=lambda copy: copy.seconds_in_steps)
    title = (
        f"{show_share(share)} of a step copies batches to the GPU from memory that is not pinned "
        f"({size(longest.details['bytes'])} at this place)."
    )
    numbers = {"copy_share": share, "bytes": longest.details["bytes"], "places": len(batches)}
    advice = "Give the DataLoader pin_memory=True, and the copy non_blocking=True."
    floor = None if is_empty(evidence.profile) else 0.0
    yield Finding(NAME, title, share, floor, numbers, str(longest.site), advice)


def _recorded(evidence: Evidence, device: Device) -> Iterator[Finding]:
    """Of a recording with a device: the copies say themselves what memory they read."""
    found = copies(device, TO_DEVICE, "pageable")
    share = exposed_copies(evidence, lambda one: (one.get("direction"), one.get("memory")) == (TO_DEVICE, "pageable"))
    if not found or share < LEAST_SHARE:
        return
    copied_bytes = sum(int(one.details.get("bytes", 0)) for one in found)
    title = (
        f"{show_share(share)} of the time {device.name} waits for {len(found):,} copies from memory that is not pinned "
        f"({size(copied_bytes)})."
    )
    numbers = {"copy_share": share, "bytes": copied_bytes, "copies": len(found)}
    advice = "Give the DataLoader pin_memory=True, and the copy non_blocking=True."
    yield Finding(NAME, title, share, 0.0, numbers, advice=advice)


HABIT = Habit(name=NAME, area="data", detect=detect)
