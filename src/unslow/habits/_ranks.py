"""Several devices that wait for each other in their exchanges: which of them comes last, and what the others wait."""

from __future__ import annotations

from dataclasses import dataclass

from unslow.core.device import Device
from unslow.core.finding import Evidence
from unslow.habits._shares import is_empty

LEAST_WAITED = 0.05
"""The part of the steps that the others must wait longer, before a device is said to be slower than they are."""


@dataclass(frozen=True)
class Late:
    """The device that waits least. `waited` is what the others wait longer, on average; `computing` and `idle` are what
    it computes and idles longer than they do: all are parts of the steps."""

    device: Device
    waited: float
    computing: float
    idle: float


def exposed_communication(device: Device) -> float:
    """The part of the device's window in which it exchanges and does nothing else."""
    return device.share() - device.share(lambda one: one.kind != "communication")


def late(evidence: Evidence) -> Late | None:
    """None where fewer than two devices exchange anything."""
    devices = () if is_empty(evidence.profile) else evidence.profile.devices
    exchanging = [device for device in devices if any(one.kind == "communication" for one in device.activities)]
    if len(exchanging) < 2:
        return None
    exposed = {device.name: exposed_communication(device) for device in exchanging}
    last = min(exchanging, key=lambda device: exposed[device.name])
    others = [device for device in exchanging if device is not last]

    def more(value: dict[str, float]) -> float:
        return value[last.name] - sum(value[device.name] for device in others) / len(others)

    computing = {device.name: device.share(lambda one: one.kind != "communication") for device in exchanging}
    idle = {device.name: 1 - device.share() for device in exchanging}
    return Late(last, max(0.0, -more(exposed)), more(computing), more(idle))
