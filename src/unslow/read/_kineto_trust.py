"""What a Kineto recording says of itself: kernels that were launched and have no record, and what recording cost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from unslow.core.intervals import clipped, total_ns, union
from unslow.core.profile import Profile
from unslow.read._exposed import busiest_of
from unslow.read._files import nanoseconds

Event = Mapping[str, Any]
NS_PER_US = 1000
RUNTIME = ("cuda_runtime", "cuda_driver", "Runtime", "hip_runtime")
KERNELS = ("kernel", "Kernel")
OVERHEAD = "overhead"
RECORDING = ("Buffer Flush", "Activity Buffer Request", "Instrumentation", "Resource")
"""Of CUPTI's kinds of overhead those that recording causes; kernels are loaded, and a queue is full, without it too."""
CAPTURE = "BeginCapture"
"""Launches that a graph captures are not run."""
LEAST_LAUNCHES = 20


def trusted(profile: Profile, events: Iterable[Event], path: Path) -> Profile:
    """The profile with the part of its kernels that is `lost`, and the `distortion` by what recording took; `events`
    are the complete ones (phase X)."""
    launched, recorded, captures = set[int](), set[int](), False
    taken: list[tuple[int, int]] = []
    for event in events:
        category, name, correlation = event.get("cat"), str(event.get("name")), _correlation(event)
        if category in KERNELS and correlation is not None:
            recorded.add(correlation)
        elif category in RUNTIME and correlation is not None:
            captures = captures or CAPTURE in name
            launched |= {correlation} if "LaunchKernel" in name else set()
        elif category == OVERHEAD and name in RECORDING:
            start = nanoseconds(event, "ts", path, NS_PER_US)
            taken.append((start, start + nanoseconds(event, "dur", path, NS_PER_US)))
    known = len(launched) >= LEAST_LAUNCHES and not captures
    lost = len(launched - recorded) / len(launched) if known else 0.0
    return replace(profile, lost=lost, distortion=_distortion(profile, taken))


def _correlation(event: Event) -> int | None:
    args = event.get("args")
    found = args.get("correlation") if isinstance(args, dict) else None  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]
    return found if isinstance(found, int) else None


def _distortion(profile: Profile, taken: list[tuple[int, int]]) -> float | None:
    """By how much recording lengthened the steps, as far as it has recorded itself and the device waited for it; None
    where it has not."""
    if not taken:
        return profile.distortion
    busy = busiest_of(profile.devices).intervals()
    either, within = union([*taken, *((int(start), int(end)) for start, end in busy)]), 0
    for step in profile.steps:
        both, alone = (total_ns(clipped(one, step.start_ns, step.end_ns)) for one in (either, busy))
        within += both - alone
    return within / (profile.wall_ns - within) if profile.wall_ns > within else 1.0
