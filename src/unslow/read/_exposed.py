"""A recording with a device, as spans that sum to the steps: at each moment the first in rank of what goes on.

A kernel comes before a copy, a copy before a fill, then communication, the runtime's calls on the host, a loader, an
operator on the host, a frame of Python's; a moment in which nothing of these goes on is the device's waiting for the
host. What is left of a kind after taking out every moment of those before it is called its exposed time. Source: the
partition of PyTorch's TensorBoard plugin, whose parts sum to all of the time.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from unslow.core.device import Activity, ActivityKind, Device
from unslow.core.intervals import total_ns
from unslow.core.profile import Category, Profile, Span

Step = tuple[str, int, int]
"""What marks a step, its start and its end in ns."""

RANKS = ("kernel", "copy", "fill", "communication", "runtime", "loading", "operator", "python")


@dataclass(frozen=True, slots=True)
class Going:
    """Something that goes on from `start_ns` to `end_ns`: what it is, of `RANKS`, and the span that its exposed time
    becomes."""

    kind: str
    name: str
    category: Category
    start_ns: int
    end_ns: int
    details: Mapping[str, Any] = field(default_factory=dict[str, Any])


CATEGORY: Mapping[ActivityKind, Category] = {
    "kernel": "compute", "copy": "transfer", "fill": "compute", "communication": "communication",
}  # fmt: skip
MARKS: Mapping[str, str] = {
    "kineto": "To mark them: torch.profiler.profile(schedule=torch.profiler.schedule(wait=1, warmup=2, active=5)), and "
    "prof.step() at the end of each step.",
    "nsight-systems": 'To mark them: with torch.cuda.nvtx.range(f"step {n}"): around each step, and nsys profile '
    "--trace=cuda,nvtx.",
    "xplane": 'To mark them: with tf.profiler.experimental.Trace("train", step_num=n, _r=1): around each step, or '
    'jax.profiler.StepTraceAnnotation("train", step_num=n).',
}
"""What is to be written around the steps of a program, so that the next recording has them."""
FRAME: Mapping[str, Any] = {"python": True}
"""The details of a frame of Python's."""
COLLECTIVE = re.compile(r"^(nccl|rccl|oneccl)", re.IGNORECASE)
"""How the kernels of communication libraries are called."""


def profile_of_devices(
    source: str, devices: Sequence[Device], steps: Sequence[Step], on_host: Iterable[Going], notes: Iterable[str] = ()
) -> Profile:
    """The profile of the device that was busy longest; `steps` are by its own clock, all that it did where there are
    none. The device's activities need not be among `on_host`."""
    busiest = busiest_of(devices)
    said = list(notes)
    if not steps:
        steps = [("unmarked", busiest.start_ns, busiest.end_ns)]
        how = MARKS.get(source, "")
        said.append(f"Nothing marks the steps; all that was recorded is taken as one. {how}".strip())
    if len(devices) > 1:
        names = ", ".join(device.name for device in devices)
        said.append(f"{len(devices)} devices were recorded ({names}); the steps are shown as {busiest.name} had them.")
    going = [*(_going_of(activity) for activity in busiest.activities), *on_host]
    return Profile(exposed_spans(steps, going), source, len(steps), None, tuple(said), tuple(devices))


def apart(steps: Sequence[Step]) -> list[Step]:
    """By start, without those that begin before the one before them ends."""
    kept: list[Step] = []
    for step in sorted(steps, key=lambda step: step[1:]):
        if not kept or step[1] >= kept[-1][2]:
            kept.append(step)
    return kept


def steps_of(activities: Sequence[Activity], steps: Iterable[Step]) -> list[Step]:
    """The steps in which a device did anything; `activities` are by start."""
    first, last = activities[0].start_ns, max(one.end_ns for one in activities)
    return [step for step in steps if step[1] < last and step[2] > first]


def busiest_of(devices: Sequence[Device]) -> Device:
    return max(devices, key=lambda device: total_ns(device.intervals()))


def by_start(activities: Iterable[Activity]) -> tuple[Activity, ...]:
    return tuple(sorted(activities, key=lambda one: (one.start_ns, -one.end_ns)))


def _going_of(activity: Activity) -> Going:
    details = {"kind": activity.kind, "stream": activity.stream, **activity.details}
    return Going(activity.kind, activity.name, CATEGORY[activity.kind], activity.start_ns, activity.end_ns, details)


def exposed_spans(steps: Sequence[Step], going: Iterable[Going]) -> tuple[Span, ...]:
    """Each step (its mark, start and end in ns; none overlaps the one before it), and in it what is exposed."""
    pieces = _pieces(going)
    starts = [start for start, _, _ in pieces]
    spans: list[Span] = []
    for mark, begins, ends in steps:
        root = len(spans)
        spans.append(Span("step", "idle", begins, ends, -1, {"mark": mark}))
        place = max(0, bisect_right(starts, begins) - 1)
        while place < len(pieces) and pieces[place][0] < ends:
            start, end, one = pieces[place]
            start, end = max(start, begins), min(end, ends)
            if end > start:
                spans.append(Span(one.name, one.category, start, end, root, one.details))
            place += 1
    return tuple(spans)


def _pieces(going: Iterable[Going]) -> list[tuple[int, int, Going]]:
    """Of each what is exposed, by start: of one rank the one that began first has the moment."""
    by_rank: dict[str, list[Going]] = {kind: [] for kind in RANKS}
    for one in going:
        by_rank[one.kind].append(one)
    taken: list[tuple[int, int, Going]] = []
    for same in by_rank.values():
        taken = sorted([*taken, *_outside(_in_turn(same), taken)], key=lambda piece: piece[0])
    return taken


def _in_turn(same: list[Going]) -> Iterator[tuple[int, int, Going]]:
    """Pieces that do not overlap; an inner one (which began later) gets its own time only after the outer one's end."""
    done_ns = -1
    for one in sorted(same, key=lambda one: (one.start_ns, -one.end_ns)):
        if one.end_ns > max(one.start_ns, done_ns):
            yield max(one.start_ns, done_ns), one.end_ns, one
            done_ns = one.end_ns


def _outside(
    pieces: Iterable[tuple[int, int, Going]], taken: Sequence[tuple[int, int, Going]]
) -> Iterator[tuple[int, int, Going]]:
    """What of the pieces is in no interval that is taken; both come in ascending order."""
    place = 0
    for start, end, one in pieces:
        while place < len(taken) and taken[place][1] <= start:
            place += 1
        here = place
        while start < end:
            if here >= len(taken) or taken[here][0] >= end:
                yield start, end, one
                break
            if taken[here][0] > start:
                yield start, taken[here][0], one
            start = taken[here][1]
            here += 1
