"""Recordings of several processes, one each, as one profile: the devices of all ranks, by one clock.

Each rank has a clock of its own: the first step that all have recorded begins at the same time on all, since none gets
ahead of the exchanges in which they wait for each other. What is shown of the host, and the spans, are those of the
rank whose device was busy longest.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from unslow.core.device import Activity, Device
from unslow.core.profile import Profile, Span
from unslow.read._exposed import busiest_of

RANK, WORLD = (
    re.compile(rb'"distributedInfo"\s*:\s*\{[^}]*?"' + key + rb'"\s*:\s*(\d+)') for key in (b"rank", b"world_size")
)
HEAD_BYTES = 1_000_000
"""How far into a recording what it says of its rank is looked for: behind a table of devices, before the events."""


@dataclass(frozen=True)
class Ranked:
    """A recording's file, the rank that it names (None: it names none), and how many processes there were (0:
    unknown)."""

    path: Path
    rank: int | None
    world: int


def ranked(path: Path, head: bytes) -> Ranked:
    """From the beginning of a recording of PyTorch's profiler."""
    rank, world = RANK.search(head), WORLD.search(head)
    return Ranked(path, int(rank[1]) if rank else None, int(world[1]) if world else 0)


def one_a_rank(found: Sequence[Ranked]) -> dict[int, Ranked]:
    """By rank, in order: of several recordings of one rank the last by name; by the files' order where one names no
    rank."""
    ordered = sorted(found, key=lambda one: one.path.name)
    if any(one.rank is None for one in ordered):
        return dict(enumerate(ordered))
    return dict(sorted({one.rank or 0: one for one in ordered}.items()))


def merged(profiles: Mapping[int, Profile], notes: Sequence[str] = ()) -> Profile:
    """One profile of all ranks' devices, each named after its rank; `notes` are added to those of the rank shown.

    Where no rank has a device, it is the profile of the rank whose steps took longest.
    """
    common = _common_marks(list(profiles.values()))
    own = {
        rank: [_within(device, f"rank {rank} {device.name}", _window(profile, common)) for device in profile.devices]
        for rank, profile in profiles.items()
    }
    shown = _shown(profiles, own)
    starts = {rank: _start(profile, common) for rank, profile in profiles.items()}
    devices = [_later(device, starts[shown] - starts[rank]) for rank in own for device in own[rank]]
    reference = profiles[shown]
    spans = _only(reference.spans, common) if common else reference.spans
    said = [*reference.notes, *notes, f"{len(profiles)} ranks were read; the steps are shown as rank {shown} had them."]
    if not common:
        said.append("No step was recorded by all ranks: each is taken as a whole, from its first activity on.")
    steps = sum(span.parent < 0 for span in spans)
    lost = max(profile.lost for profile in profiles.values())
    return replace(reference, spans=spans, requests=steps, notes=tuple(said), devices=tuple(devices), lost=lost)


def _shown(profiles: Mapping[int, Profile], devices: Mapping[int, Sequence[Device]]) -> int:
    """The rank of the device that habits look at; without any, that whose steps took longest."""
    every = [device for own in devices.values() for device in own]
    if not every:
        return max(profiles, key=lambda rank: profiles[rank].wall_ns)
    busiest = busiest_of(every)
    return next(rank for rank, own in devices.items() if any(device is busiest for device in own))


def _marks(profile: Profile) -> dict[str, Span]:
    return {mark: span for span in profile.steps if (mark := str(span.details.get("mark", ""))) not in ("", "unmarked")}


def _common_marks(profiles: Sequence[Profile]) -> list[str]:
    """The steps that all have recorded, in their order."""
    marks = [_marks(profile) for profile in profiles]
    return [mark for mark in marks[0] if all(mark in known for known in marks)]


def _window(profile: Profile, common: Sequence[str]) -> tuple[int, int, int] | None:
    """From the first common step to the last one's end, and how many these are; None where all steps are common."""
    marks = _marks(profile)
    if not common or len(marks) == len(common):
        return None
    return marks[common[0]].start_ns, marks[common[-1]].end_ns, len(common)


def _start(profile: Profile, common: Sequence[str]) -> int:
    if common:
        return _marks(profile)[common[0]].start_ns
    return min((device.start_ns for device in profile.devices), default=0)


def _within(device: Device, name: str, window: tuple[int, int, int] | None) -> Device:
    start, end, steps = window or (device.start_ns, device.end_ns, device.steps)
    return replace(device, name=name, start_ns=start, end_ns=end, steps=steps)


def _later(device: Device, by_ns: int) -> Device:
    if not by_ns:
        return device
    activities = tuple(_moved(one, by_ns) for one in device.activities)
    return replace(device, activities=activities, start_ns=device.start_ns + by_ns, end_ns=device.end_ns + by_ns)


def _moved(one: Activity, by_ns: int) -> Activity:
    launched = one.launched_ns if one.launched_ns < 0 else max(0, one.launched_ns + by_ns)
    return replace(one, start_ns=one.start_ns + by_ns, end_ns=one.end_ns + by_ns, launched_ns=launched)


def _only(spans: Sequence[Span], marks: Sequence[str]) -> tuple[Span, ...]:
    """The steps with these marks, and all in them."""
    places: dict[int, int] = {-1: -1}
    kept: list[Span] = []
    for index, span in enumerate(spans):
        if span.parent in places and (span.parent >= 0 or span.details.get("mark") in marks):
            places[index] = len(kept)
            kept.append(replace(span, parent=places[span.parent]))
    return tuple(kept)
