"""How much memory of its devices a process had allocated at most, by the instants that PyTorch's profiler notes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from unslow.core.profile import Profile
from unslow.read._kineto_file import Event

INSTANT, ON_PROCESSOR = "[memory]", 0


def with_peaks(profile: Profile, peaks: Mapping[str, int]) -> Profile:
    """The profile with the peaks of its devices, by their names. Recordings of 2021 have no totals."""
    devices = tuple(replace(device, peak_bytes=peaks.get(device.name, 0)) for device in profile.devices)
    return replace(profile, devices=devices) if peaks else profile


def keep_peak(peaks: dict[str, int], event: Event) -> None:
    """Of an event of any phase, where it is such an instant."""
    args = event.args
    if args is None or event.name != INSTANT:
        return
    kind, number, total = args.device_type, args.device_id, args.total_allocated
    if isinstance(kind, int) and kind != ON_PROCESSOR and isinstance(number, int) and isinstance(total, int):
        peaks[f"GPU {number}"] = max(total, peaks.get(f"GPU {number}", 0))
