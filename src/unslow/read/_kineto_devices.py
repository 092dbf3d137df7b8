"""The devices of a Kineto recording: their timelines, and what the steps are made of as they wait for them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from unslow.core.device import Activity, ActivityKind, Device
from unslow.core.profile import Profile
from unslow.read._exposed import COLLECTIVE, Going, Step, apart, busiest_of, by_start, profile_of_devices
from unslow.read._files import nanoseconds
from unslow.read._kineto_calls import call_of
from unslow.read._kineto_memory import with_peaks
from unslow.read._kineto_trust import trusted
from unslow.read._torch_ops import runtime_category

Event = Mapping[str, Any]
NS_PER_US = 1000
STEP, NAME = "ProfilerStep#", "GPU "
KERNELS, COPIES, FILLS = ("kernel", "Kernel"), ("gpu_memcpy", "Memcpy"), ("gpu_memset", "Memset")
RUNTIME = ("cuda_runtime", "cuda_driver", "Runtime", "hip_runtime", "privateuse1_runtime")
OPERATORS = ("cpu_op", "Operator", "user_annotation")
ON_DEVICE = ("gpu_user_annotation",)
LOADING = "enumerate(DataLoader)"
COPY = re.compile(r"Memcpy (\w)to(\w)(?: \((\w+) -> (\w+)\))?")
SIDES = {"H": "host", "D": "device", "A": "device", "P": "peer"}


@dataclass(frozen=True)
class _Host:
    """What the host's events say of the devices': calls of the runtime by correlation, operators by their id."""

    launched_ns: Mapping[int, int]
    operators: Mapping[int, Event]
    details: dict[int, Mapping[str, Any]] = field(default_factory=dict[int, Mapping[str, Any]])

    def of_kernel(self, operator: int | None) -> Mapping[str, Any]:
        """What the operator that launched a kernel was called with; the same object for all its kernels."""
        if operator is None or operator not in self.operators:
            return {}
        if operator not in self.details:
            event = self.operators[operator]
            name = str(event.get("name"))
            call = call_of(_args(event))
            self.details[operator] = {"op": name, **(call.details(name, False) if call else {})}
        return self.details[operator]


def has_devices(events: Sequence[Event]) -> bool:
    """Whether a device computed or copied anything while it was recorded."""
    return any(event.get("cat") in (*KERNELS, *COPIES) for event in events)


def device_profile(trace: Mapping[str, Any], events: Sequence[Event], path: Path) -> Profile:
    """The profile of a recording with devices: its spans are those of the device that was busy longest.

    `events` are the complete ones (phase X). Raises `BadInput` where one is damaged.
    """
    host = _host_of(events, path)
    found: dict[str, list[Activity]] = {}
    for event in events:
        kind = _kind(event)
        if kind is not None:
            found.setdefault(_number(event), []).append(_activity(event, kind, host, path))
    steps, marked_on = _steps(events, path)
    properties = _properties(trace)
    devices = tuple(
        _device(number, activities, steps, marked_on.get(number, ()), properties.get(number, {}))
        for number, activities in sorted(found.items())
    )
    own = marked_on.get(busiest_of(devices).name.removeprefix(NAME), ())
    profile = profile_of_devices("kineto", devices, own or steps, _host_going(events, path))
    return with_peaks(trusted(profile, events, path), trace.get("traceEvents", ()))


def _kind(event: Event) -> ActivityKind | None:
    category = event.get("cat")
    if category in KERNELS:
        return "communication" if COLLECTIVE.match(str(event.get("name"))) else "kernel"
    return "copy" if category in COPIES else "fill" if category in FILLS else None


def _args(event: Event) -> Mapping[str, Any]:
    args = event.get("args")
    return args if isinstance(args, dict) else {}  # pyright: ignore[reportUnknownVariableType]


def _number(event: Event) -> str:
    return str(_args(event).get("device", event.get("pid")))


def _id(event: Event, *names: str) -> int | None:
    args = _args(event)
    return next((value for name in names if isinstance(value := args.get(name), int)), None)


def _host_of(events: Sequence[Event], path: Path) -> _Host:
    launched: dict[int, int] = {}
    operators: dict[int, Event] = {}
    for event in events:
        category = event.get("cat")
        if category in RUNTIME:
            correlation = _id(event, "correlation")
            if correlation is not None:
                launched[correlation] = nanoseconds(event, "ts", path, NS_PER_US)
        elif category in OPERATORS:
            operator = _id(event, "External id", "external id")
            if operator is not None:
                operators[operator] = event
    return _Host(launched, operators)


def _activity(event: Event, kind: ActivityKind, host: _Host, path: Path) -> Activity:
    start = nanoseconds(event, "ts", path, NS_PER_US)
    end = start + nanoseconds(event, "dur", path, NS_PER_US)
    args, name = _args(event), str(event.get("name"))
    details: dict[str, Any] = {key: int(args[key]) for key in ("bytes",) if isinstance(args.get(key), int)}
    copied = COPY.match(name) if kind == "copy" else None
    if copied:
        details["direction"] = f"{SIDES.get(copied[1], 'other')}-to-{SIDES.get(copied[2], 'other')}"
        host_side = copied[3] if copied[1] == "H" else copied[4] if copied[2] == "H" else None
        details["memory"] = (host_side or "").lower()
    known = host.of_kernel(_id(event, "External id", "external id"))
    correlation = _id(event, "correlation")
    launched = host.launched_ns.get(correlation, -1) if correlation is not None else -1
    stream = str(args.get("stream", event.get("tid")))
    return Activity(name, kind, start, end, stream, launched, {**known, **details} if details else known)


def _steps(events: Sequence[Event], path: Path) -> tuple[list[Step], dict[str, list[Step]]]:
    """The marks of the steps on the host, and by device those that the recorder has laid over its own work."""
    on_host: list[Step] = []
    on_device: dict[str, list[Step]] = {}
    for event in events:
        name = str(event.get("name"))
        if name.startswith(STEP) and event.get("cat") not in RUNTIME:
            start = nanoseconds(event, "ts", path, NS_PER_US)
            step = (name, start, start + nanoseconds(event, "dur", path, NS_PER_US))
            if event.get("cat") in ON_DEVICE:
                on_device.setdefault(_number(event), []).append(step)
            else:
                on_host.append(step)
    return apart(on_host), {number: _until_the_next(steps) for number, steps in on_device.items()}


def _until_the_next(steps: list[Step]) -> list[Step]:
    """A device's step goes on until its next one begins: what lies between is waiting."""
    ordered = sorted({name: (name, start, end) for name, start, end in steps}.values(), key=lambda step: step[1])
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


def _host_going(events: Sequence[Event], path: Path) -> Iterator[Going]:
    """What goes on on the host, on whatever thread: it shows only where the device does nothing."""
    for event in events:
        name, category = str(event.get("name")), event.get("cat")
        if name.startswith(STEP) or category not in (*RUNTIME, *OPERATORS):
            continue
        start = nanoseconds(event, "ts", path, NS_PER_US)
        end = start + nanoseconds(event, "dur", path, NS_PER_US)
        if category in RUNTIME:
            yield Going("runtime", name, runtime_category(name), start, end)
        elif name.startswith(LOADING):
            yield Going("loading", name, "data", start, end, {"phase": "data"})
        else:
            yield Going("operator", name, "framework", start, end, {"op": name})
