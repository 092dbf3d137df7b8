"""The devices of a Kineto recording: their timelines, and what the steps are made of as they wait for them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np

from unslow.core.device import Activity, ActivityKind, Device
from unslow.core.intervals import union
from unslow.core.profile import STACK, Profile
from unslow.read._exposed import COLLECTIVE, FRAME, Going, Step, apart, busiest_of, by_start, profile_of_devices
from unslow.read._kineto_memory import with_peaks
from unslow.read._kineto_python import Frames
from unslow.read._kineto_steps import kept_steps, steps_in
from unslow.read._kineto_table import (
    ANNOTATION,
    COPY,
    DEVICES,
    FILL,
    KERNEL,
    ON_DEVICE,
    OPERATOR,
    RUNTIME,
    Column,
    Table,
)  # fmt: skip
from unslow.read._kineto_trust import trusted
from unslow.read._torch_ops import is_loading, runtime_category

NAME, ZEROES = "GPU ", "zero_grad"
COPIED = re.compile(r"Memcpy (\w)to(\w)(?: \((\w+) -> (\w+)\))?")
SIDES = {"H": "host", "D": "device", "A": "device", "P": "peer"}

Details = Mapping[str, Any]


def has_devices(table: Table) -> bool:
    """Whether a device computed or copied anything while it was recorded."""
    return bool(np.isin(table.code, (KERNEL, COPY)).any())


def device_profile(rest: Mapping[str, Any], table: Table) -> Profile:
    """The profile of a recording with devices: its spans are those of the device that was busy longest.

    `rest` is the document without its events.
    """
    frames = Frames(table)
    found = _activities(table, frames)
    (steps, notes), marked_on = _host_steps(table), _device_steps(table)
    properties = _properties(rest)
    devices = tuple(
        _device(number, activities, steps, marked_on.get(number, ()), properties.get(number, {}))
        for number, activities in sorted(found.items())
    )
    own = marked_on.get(busiest_of(devices).name.removeprefix(NAME), ())
    profile = profile_of_devices("kineto", devices, own or steps, _host_going(table, frames), notes)
    return with_peaks(trusted(profile, table), table.peaks)


def _activities(table: Table, frames: Frames) -> dict[str, list[Activity]]:
    """What each device did, by its number; equal details are one object."""
    rows = table.rows(*DEVICES)
    launched, operator = _launched_ns(table, rows), _operator_of(table, rows)
    zeroes = _launched_in(table, launched, ZEROES)
    details_of, stacks = _details(table, frames), frames.at(np.array(launched, dtype=np.int64))
    found: dict[str, list[Activity]] = {}
    each = table.each(rows, table.name, table.place, table.code, table.start, table.end, table.size)
    for (name, place, code, start, end, size), asked, row, zeroing, stack in zip(
        each, launched, operator, zeroes, stacks, strict=True
    ):
        device, stream = table.places[place]
        text = table.names[name]
        kind: ActivityKind = "copy" if code == COPY else "fill" if code == FILL else "kernel"
        if code == KERNEL and COLLECTIVE.match(text):
            kind = "communication"
        operation = (table.name[row], table.call[row]) if row >= 0 else (-1, 0)
        known = details_of(name if code == COPY else -1, int(operation[0]), int(operation[1]), size, zeroing, stack)
        found.setdefault(device, []).append(Activity(text, kind, start, end, stream, asked, known))
    return found


def _launched_in(table: Table, launched: Sequence[int], within: str) -> list[bool]:
    """Of each of these moments whether it lies in an annotation whose name holds `within`."""
    chosen = np.array([within in name for name in table.names], dtype=np.bool_)
    marks = table.rows(ANNOTATION, OPERATOR)
    marks = marks[chosen[table.name[marks]]] if len(chosen) else marks[:0]
    inside = union(np.stack((table.start[marks], table.end[marks]), axis=1)) if len(marks) else np.empty((0, 2), int)
    if not len(inside):
        return [False] * len(launched)
    moments = np.array(launched, dtype=np.int64)
    before = np.searchsorted(inside[:, 0], moments, side="right") - 1
    return ((before >= 0) & (moments < inside[np.maximum(before, 0), 1])).tolist()


def _details(table: Table, frames: Frames) -> Callable[[int, int, int, int, bool, int], Details]:
    """By the copy's name, the operator's name and call (places in the table; -1: none), the bytes, whether it zeroes
    gradients, and the stack that launched it."""

    @cache
    def of_operator(operator: int, call: int) -> Details:
        """What the operator that launched a kernel was called with."""
        if operator < 0:
            return {}
        name, called = table.names[operator], table.calls[call]
        return {"op": name, **(called.details(name, False) if called else {})}

    @cache
    def details(copy: int, operator: int, call: int, size: int, zeroing: bool, stack: int) -> Details:
        known = of_operator(operator, call)
        own = {**({"bytes": size} if size >= 0 else {}), **(_copied(table.names[copy]) if copy >= 0 else {})}
        own |= {**({"within": ZEROES} if zeroing else {}), **frames.details(stack)}
        return {**known, **own} if own else known

    return details


def _copied(name: str) -> Details:
    """Between what, and the kind of the host's memory, as the name of a copy says."""
    copied = COPIED.match(name)
    if copied is None:
        return {}
    host_side = copied[3] if copied[1] == "H" else copied[4] if copied[2] == "H" else None
    direction = f"{SIDES.get(copied[1], 'other')}-to-{SIDES.get(copied[2], 'other')}"
    return {"direction": direction, "memory": (host_side or "").lower()}


def _launched_ns(table: Table, rows: Column) -> list[int]:
    """When the host asked for the work of each row, by correlation; -1 where that was not recorded."""
    found = _last_with(table.correlation, table.rows(RUNTIME), table.correlation[rows])
    return np.where(found >= 0, table.start[found], -1).tolist()


def _operator_of(table: Table, rows: Column) -> list[int]:
    """The row of the operator that each row was launched by, by its id; -1 where there is none."""
    on_host = np.flatnonzero(np.isin(table.code, (OPERATOR, ANNOTATION)))
    return _last_with(table.external, on_host, table.external[rows]).tolist()


def _last_with(column: Column, among: Column, wanted: Column) -> Column:
    """Of each number that is wanted, the last row `among` these that has it in this column; -1: none, or no number."""
    among = among[column[among] >= 0]
    if not len(among):
        return np.full(len(wanted), -1)
    among = among[np.argsort(column[among], kind="stable")]
    places = np.searchsorted(column[among], wanted, side="right") - 1
    found = among[np.maximum(places, 0)]
    return np.where((wanted >= 0) & (places >= 0) & (column[found] == wanted), found, -1)


def _host_steps(table: Table) -> tuple[list[Step], tuple[str, ...]]:
    """The marks of the steps on the host."""
    marks = np.flatnonzero(table.is_mark & (table.code != ON_DEVICE))
    return kept_steps(table, apart(steps_in(table, marks)))


def _device_steps(table: Table) -> dict[str, list[Step]]:
    """By device, the steps that the recorder has laid over its own work."""
    marks = np.flatnonzero(table.is_mark & (table.code == ON_DEVICE))
    found: dict[str, list[Step]] = {}
    for step, (place,) in zip(steps_in(table, marks), table.each(marks, table.place), strict=True):
        found.setdefault(table.places[place][0], []).append(step)
    return {number: kept_steps(table, _until_the_next(steps))[0] for number, steps in found.items()}


def _until_the_next(steps: list[Step]) -> list[Step]:
    """A device's step goes on until its next one begins: what lies between is waiting. It is marked once for every
    stream that has worked in it, and lasts from the first to the last of them."""
    on_streams: dict[str, list[tuple[int, int]]] = {}
    for name, start, end in steps:
        on_streams.setdefault(name, []).append((start, end))
    whole = [(name, min(s for s, _ in each), max(e for _, e in each)) for name, each in on_streams.items()]
    ordered = sorted(whole, key=lambda step: step[1])
    following = [start for _, start, _ in ordered[1:]]
    return [
        (name, start, following[place] if place < len(following) else end)
        for place, (name, start, end) in enumerate(ordered)
    ]


def _properties(trace: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    listed = trace.get("deviceProperties")
    found: list[Any] = listed if isinstance(listed, list) else []  # pyright: ignore[reportUnknownVariableType]
    return {str(one.get("id")): one for one in found if isinstance(one, dict)}  # pyright: ignore


def _device(
    number: str,
    activities: list[Activity],
    host_steps: Sequence[Step],
    own_steps: Sequence[Step],
    properties: Mapping[str, Any],
) -> Device:
    ordered = by_start(activities)
    steps = own_steps or host_steps
    start = steps[0][1] if steps else ordered[0].start_ns
    end = steps[-1][2] if steps else max(one.end_ns for one in ordered)
    major, minor = properties.get("computeMajor"), properties.get("computeMinor")
    capability = (major, minor) if isinstance(major, int) and isinstance(minor, int) else None
    memory = properties.get("totalGlobalMem")
    model = str(properties.get("name", ""))
    memory_bytes = memory if isinstance(memory, int) else 0
    return Device(f"{NAME}{number}", ordered, start, end, model, capability, memory_bytes, len(steps))


def _host_going(table: Table, frames: Frames) -> Iterator[Going]:
    """What goes on on the host, on whatever thread: it shows only where the device does nothing."""
    known: dict[tuple[str, int], Details] = {}
    loads = np.array([is_loading(name) for name in table.names], dtype=np.bool_)
    on_host = table.rows(OPERATOR, ANNOTATION)
    loading = loads[table.name[on_host]] if len(loads) else np.zeros(0, dtype=np.bool_)
    for name, start, end, stack in _outermost(table, table.rows(RUNTIME), frames):
        yield Going("runtime", name, runtime_category(name), start, end, frames.details(stack))
    for name, start, end, stack in _outermost(table, on_host[loading], frames):
        yield Going("loading", name, "data", start, end, {"phase": "data", **frames.details(stack)})
    for name, start, end, stack in _outermost(table, on_host[~loading], frames):
        if (name, stack) not in known:
            known[name, stack] = {"op": name, **frames.details(stack)}
        yield Going("operator", name, "framework", start, end, known[name, stack])
    functions: dict[int, Details] = {}
    for number, start, end in frames.stretches():
        *around, name = frames.stack(number)
        details = functions.setdefault(number, {**FRAME, STACK: tuple(around)})
        yield Going("python", name, "framework", start, end, details)


def _outermost(table: Table, rows: Column, frames: Frames) -> Iterator[tuple[str, int, int, int]]:
    """By start, each with the number of its stack, without what others cover that began before: of equal rank those
    have the moment."""
    rows = rows[np.lexsort((-table.end[rows], table.start[rows]))]
    ends = table.end[rows]
    free = np.ones(len(rows), dtype=np.bool_)
    free[1:] = ends[1:] > np.maximum.accumulate(ends)[:-1]
    rows = rows[free]
    for (name, start, end), stack in zip(
        table.each(rows, table.name, table.start, table.end), frames.at(table.start[rows]), strict=True
    ):
        yield table.names[name], start, end, stack
