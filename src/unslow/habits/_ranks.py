"""Several devices that wait for each other in their exchanges: which of them comes last, and what the others wait."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from unslow.core.device import Device
from unslow.core.finding import Evidence
from unslow.core.profile import Profile
from unslow.habits._shares import is_empty

LEAST_WAITED = 0.05
"""The part of the steps that the others must wait longer, before a device is said to be slower than they are."""


@dataclass(frozen=True)
class Late:
    """What devices wait for the last one, step by step. `waited` is what the others wait longer than it does, on
    average, `least` what it waits itself; both are parts of the steps. `device` is the one that is waited for most,
    `always` the part of `waited` in which it is this one. `computing` and `idle` are what it computes and idles longer
    than the others, in all steps."""

    waited: float
    least: float
    device: Device
    always: float
    computing: float
    idle: float


def exposed_communication(device: Device) -> float:
    """The part of the device's window in which it exchanges and does nothing else."""
    return device.share() - device.share(lambda one: one.kind != "communication")


def late(evidence: Evidence) -> Late | None:
    """None where fewer than two devices exchange anything."""
    profile = evidence.profile
    devices = () if is_empty(profile) else profile.devices
    exchanging = [device for device in devices if any(one.kind == "communication" for one in device.activities)]
    if len(exchanging) < 2:
        return None
    waited, least = Counter[int](), 0.0
    for alone in zip(*(_exposed_by_step(device, profile) for device in exchanging), strict=True):
        last = min(range(len(alone)), key=lambda place: alone[place])
        least += alone[last]
        waited[last] += (sum(alone) - len(alone) * alone[last]) / (len(alone) - 1)  # pyright: ignore[reportArgumentType] - it adds floats too
    total = sum(waited.values())
    place = max(waited, key=lambda place: waited[place])
    always = waited[place] / total if total else 1.0
    computing = _longer([device.share(lambda one: one.kind != "communication") for device in exchanging], place)
    idle = _longer([1 - device.share() for device in exchanging], place)
    return Late(total / profile.wall_ns, least / profile.wall_ns, exchanging[place], always, computing, idle)


def _exposed_by_step(device: Device, profile: Profile) -> list[float]:
    """In ns, what each step of the profile has of it."""
    from unslow.core.intervals import clipped, total_ns

    whole, work = device.intervals(), device.intervals(lambda one: one.kind != "communication")
    spans = [(span.start_ns, span.end_ns) for span in profile.steps]
    return [float(total_ns(clipped(whole, *span)) - total_ns(clipped(work, *span))) for span in spans]


def _longer(values: Sequence[float], place: int) -> float:
    """Than the mean of the others."""
    others = [value for other, value in enumerate(values) if other != place]
    return values[place] - sum(others) / len(others)
