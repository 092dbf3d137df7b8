"""A device's time, made by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from unslow.core.device import Activity, ActivityKind, Device
from unslow.core.profile import Profile
from unslow.read._exposed import Going, profile_of_devices

US = 1000
PINNED = {"direction": "host-to-device", "memory": "pinned", "bytes": 1 << 20}


def activity(at_us: float, us: float, kind: ActivityKind = "kernel", late_us: float = 1, **details: object) -> Activity:
    """Launched `late_us` before it began."""
    start = round(at_us * US)
    return Activity("k", kind, start, start + round(us * US), "7", start - round(late_us * US), details)


def profile(*activities: Activity, us: float = 1000, loading_us: float = 0) -> Profile:
    device = Device("GPU 0", activities, 0, round(us * US))
    waits = [Going("loading", "loader", "data", 0, round(loading_us * US), {"phase": "data"})]
    return profile_of_devices("kineto", [device], [("step", 0, round(us * US))], waits)


def synced(*waits_us: float, busy_us: float = 500) -> Profile:
    """A step of 1000 µs that computes, and then waits that long in calls of the driver, one after the other."""
    device, at = Device("GPU 0", (activity(0, busy_us),), 0, 1000 * US), busy_us
    going: list[Going] = []
    for us in waits_us:
        going.append(Going("runtime", "cudaStreamSynchronize", "sync", round(at * US), round((at + us) * US)))
        at += us
    return profile_of_devices("kineto", [device], [("step", 0, 1000 * US)], going)


def copying(us: float, *activities: Activity) -> Profile:
    """A step of 1000 µs whose host is in a call that copies for so long from 500 µs on."""
    device = Device("GPU 0", activities, 0, 1000 * US)
    call = Going("runtime", "cudaMemcpyAsync", "transfer", 500 * US, round((500 + us) * US))
    return profile_of_devices("kineto", [device], [("step", 0, 1000 * US)], [call])


def on_an_empty_device(*activities: Activity) -> Profile:
    """With a tenth of the memory in use."""
    seen = profile(*activities)
    return replace(seen, devices=tuple(replace(one, peak_bytes=8_000, memory_bytes=80_000) for one in seen.devices))


def ranks(*computing_us: float, idle_us: float = 0, hidden: bool = False) -> Profile:
    """A step of 1000 µs on so many devices: each computes, then exchanges until its end; the last one idles first."""
    rows: list[list[Activity]] = []
    for place, us in enumerate(computing_us):
        begins = idle_us if place == len(computing_us) - 1 else 0
        exchange = (0, us) if hidden else (begins + us, 1000 - begins - us)
        rows.append([activity(begins, us), activity(*exchange, "communication")])
    return exchanged(rows, 1)


def in_turn(*computing_us: float, steps: int = 4) -> Profile:
    """Steps of 1000 µs, in each of which the devices change places: each computes as long as the one before it did."""
    count = len(computing_us)
    rows: list[list[Activity]] = [[] for _ in computing_us]
    for step in range(steps):
        for place, row in enumerate(rows):
            us = computing_us[(place - step) % count]
            row += [
                activity(1000 * step, us),
                activity(1000 * step + us, 1000 - us, "communication"),
            ]
    return exchanged(rows, steps)


def exchanged(rows: Sequence[Sequence[Activity]], steps: int) -> Profile:
    end = 1000 * US * steps
    devices = [Device(f"GPU {place}", tuple(row), 0, end, steps=steps) for place, row in enumerate(rows)]
    marks = [(f"step {step}", 1000 * US * step, 1000 * US * (step + 1)) for step in range(steps)]
    return profile_of_devices("kineto", devices, marks, [])


SMALL = [activity(20 * n, 5) for n in range(50)]
LARGE = [activity(200 * n, 100) for n in range(5)]

BUSY = [activity(10 * n, 10) for n in range(100)]
