"""What a Kineto recording says of itself: kernels that were launched and have no record, and what recording cost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from unslow.core.intervals import clipped, total_ns, union
from unslow.core.profile import Profile
from unslow.read._files import nanoseconds

Event = Mapping[str, Any]
NS_PER_US = 1000
RUNTIME = ("cuda_runtime", "cuda_driver", "Runtime", "hip_runtime")
KERNELS = ("kernel", "Kernel")
OVERHEAD, NOT_RECORDING = "overhead", "Loading"
"""A library's kernels are loaded when they are first called, whether this is recorded or not."""
LEAST_LAUNCHES = 20


def trusted(profile: Profile, events: Iterable[Event], path: Path) -> Profile:
    """The profile with the part of its kernels that is `lost`, and the `distortion` by what recording took; `events`
    are the complete ones (phase X)."""
    launched, recorded = set[int](), set[int]()
    taken: list[tuple[int, int]] = []
    for event in events:
        category, correlation = event.get("cat"), _correlation(event)
        if category in KERNELS and correlation is not None:
            recorded.add(correlation)
        elif category in RUNTIME and correlation is not None and "LaunchKernel" in str(event.get("name")):
            launched.add(correlation)
        elif category == OVERHEAD and NOT_RECORDING not in str(event.get("name")):
            start = nanoseconds(event, "ts", path, NS_PER_US)
            taken.append((start, start + nanoseconds(event, "dur", path, NS_PER_US)))
    lost = len(launched - recorded) / len(launched) if len(launched) >= LEAST_LAUNCHES else 0.0
    return replace(profile, lost=lost, distortion=_distortion(profile, taken))


def _correlation(event: Event) -> int | None:
    args = event.get("args")
    found = args.get("correlation") if isinstance(args, dict) else None  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]
    return found if isinstance(found, int) else None


def _distortion(profile: Profile, taken: list[tuple[int, int]]) -> float | None:
    """By how much recording lengthened the steps, as far as it has recorded itself; None where it has not."""
    if not taken:
        return profile.distortion
    busy = union(taken)
    within = sum(total_ns(clipped(busy, step.start_ns, step.end_ns)) for step in profile.steps)
    return within / (profile.wall_ns - within) if profile.wall_ns > within else 1.0
