"""When things happened: each step, and each device's window, in columns of equal time, split by what went on in them.

Columns are sums of whole ns: what a row shows adds up to its time, whatever the number of columns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from unslow.core.device import ActivityKind, Device
from unslow.core.intervals import Intervals, clipped, covered, union
from unslow.core.profile import CATEGORIES, Category, Profile

MOST_STEPS = 40
COLUMNS = 180
"""Of the longest step; a shorter one has fewer, so that a column is the same time in every row."""
DEVICE_COLUMNS = 200
KINDS: tuple[ActivityKind, ...] = ("kernel", "copy", "fill", "communication")
"""In this order: what overlaps counts for the first."""


@dataclass(frozen=True)
class Row:
    """`parts` are ns in each column by what went on; `edges` (one more than columns) are ns from the row's start."""

    name: str
    wall_ns: int
    edges: NDArray[np.int64]
    parts: Mapping[str, NDArray[np.int64]]

    def total_ns(self, part: str) -> int:
        return int(self.parts[part].sum())


@dataclass(frozen=True)
class Timeline:
    """The steps that are shown, of `steps` in all."""

    rows: tuple[Row, ...]
    steps: int

    @property
    def longest_ns(self) -> int:
        return max((row.wall_ns for row in self.rows), default=0)


@dataclass(frozen=True)
class DeviceRow:
    """A device's window in columns; `marks` are the starts of the steps in it, ns from the window's start."""

    row: Row
    model: str
    busy: float
    marks: tuple[int, ...]


def timeline(profile: Profile, most: int = MOST_STEPS, columns: int = COLUMNS) -> Timeline:
    """Each step by category over its own time; `most` of them at most, evenly chosen, the first and last among them."""
    steps = profile.steps
    chosen = sorted({int(place) for place in np.linspace(0, len(steps) - 1, min(most, len(steps))).round()})
    longest = max((steps[number].duration_ns for number in chosen), default=0)
    if not longest:
        return Timeline((), len(steps))
    own = _own_stretches(profile, set(chosen))
    rows: list[Row] = []
    for number in chosen:
        step = steps[number]
        edges = _edges(step.start_ns, step.end_ns, max(1, round(columns * step.duration_ns / longest)))
        parts = {name: covered(_ascending(own.get((number, name), [])), edges) for name in CATEGORIES}
        shown: dict[str, NDArray[np.int64]] = {name: part for name, part in parts.items() if part.any()}
        rows.append(Row(f"{number + 1:,}", step.duration_ns, edges - step.start_ns, shown))
    return Timeline(tuple(rows), len(steps))


def _own_stretches(profile: Profile, chosen: set[int]) -> dict[tuple[int, Category], list[tuple[int, int]]]:
    """When each category had the thread for itself, of the chosen steps: what of each span no child of it covers."""
    found: dict[tuple[int, Category], list[tuple[int, int]]] = {}
    spans = profile.spans
    step_of, done = [-1] * len(spans), [span.start_ns for span in spans]
    step = -1
    for place, span in enumerate(spans):
        if span.parent < 0:
            step += 1
            step_of[place] = step
            continue
        step_of[place] = step_of[span.parent]
        if done[span.parent] < span.start_ns and step_of[place] in chosen:
            key = (step_of[place], spans[span.parent].category)
            found.setdefault(key, []).append((done[span.parent], span.start_ns))
        done[span.parent] = span.end_ns
    for place, span in enumerate(spans):
        if done[place] < span.end_ns and step_of[place] in chosen:
            found.setdefault((step_of[place], span.category), []).append((done[place], span.end_ns))
    return found


def _ascending(stretches: Sequence[tuple[int, int]]) -> Intervals:
    return np.asarray(sorted(stretches), dtype=np.int64).reshape(-1, 2)


def _edges(start_ns: int, end_ns: int, columns: int) -> NDArray[np.int64]:
    """Whole ns; exact for times since 1970, which a float would round."""
    length = end_ns - start_ns
    return np.asarray([start_ns + length * place // columns for place in range(columns + 1)], dtype=np.int64)


def device_rows(profile: Profile, columns: int = DEVICE_COLUMNS) -> tuple[DeviceRow, ...]:
    """Each device that did something, over its own window."""
    starts = [step.start_ns for step in profile.steps]
    return tuple(_device_row(device, starts, columns) for device in profile.devices if device.window_ns > 0)


def _device_row(device: Device, starts: Sequence[int], columns: int) -> DeviceRow:
    edges = _edges(device.start_ns, device.end_ns, columns)
    pairs = {kind: [(one.start_ns, one.end_ns) for one in device.activities if one.kind == kind] for kind in KINDS}
    # Of each kind and those before it; the difference of two neighbours is what a kind adds to those before.
    upto = [[pair for kind in KINDS[:count] for pair in pairs[kind]] for count in range(len(KINDS) + 1)]
    sums = [covered(clipped(union(some), device.start_ns, device.end_ns), edges) for some in upto]
    parts: dict[str, NDArray[np.int64]] = {
        kind: after - before for kind, (before, after) in zip(KINDS, pairwise(sums), strict=True)
    }
    row = Row(device.name, device.window_ns, edges - device.start_ns, {k: p for k, p in parts.items() if p.any()})
    inside = device.steps and [start for start in starts if device.start_ns <= start < device.end_ns]
    busy = int(sums[-1].sum()) / device.window_ns
    return DeviceRow(row, device.model, busy, tuple(start - device.start_ns for start in inside or ()))
