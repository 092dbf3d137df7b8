"""How much memory of its devices a process had allocated at most, by the instants that PyTorch's profiler notes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from unslow.core.profile import Profile

INSTANT, ON_PROCESSOR = "[memory]", 0


def with_peaks(profile: Profile, events: Iterable[Any]) -> Profile:
    """The profile with the peaks of its devices; `events` are all, of any phase. Recordings of 2021 have no totals."""
    found: dict[str, int] = {}
    for event in events:
        args = event.get("args") if isinstance(event, dict) and event.get("name") == INSTANT else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
        if isinstance(args, dict):
            _keep(found, args)  # pyright: ignore[reportUnknownArgumentType]
    devices = tuple(replace(device, peak_bytes=found.get(device.name, 0)) for device in profile.devices)
    return replace(profile, devices=devices) if found else profile


def _keep(found: dict[str, int], args: Mapping[str, Any]) -> None:
    kind, number, total = (args.get(key) for key in ("Device Type", "Device Id", "Total Allocated"))
    if isinstance(kind, int) and kind != ON_PROCESSOR and isinstance(number, int) and isinstance(total, int):
        found[f"GPU {number}"] = max(total, found.get(f"GPU {number}", 0))
