"""TensorFlow's and XLA's profiler: the planes of an `.xplane.pb` file (XSpace), read without TensorFlow.

A plane is a device or the host, a line one of its streams or threads. Times are ps from the line's start; they come out
in whole ns. Field numbers: openxla/xla, `third_party/tsl/tsl/profiler/protobuf/xplane.proto`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from unslow.core.device import Activity, ActivityKind, Device
from unslow.core.errors import BadInput
from unslow.core.profile import Profile
from unslow.read._exposed import COLLECTIVE, Going, Step, apart, busiest_of, by_start, profile_of_devices, steps_of
from unslow.read._files import AGAIN, LATEST_NS, content_of
from unslow.read._lost import lost_part, said
from unslow.read._protobuf import bytes_of, double, fields, integer, signed, text
from unslow.read._reader import Reader

PS_PER_NS = 1000
GPU = "GPU"
DEVICE, HOST = re.compile(r"^/device:(GPU|TPU|CUSTOM)[:\w]*:(\d+)"), "/host:"
STEPS, OPERATORS, XLA_OPS = "Steps", ("TensorFlow Ops", "Framework Ops"), "XLA Ops"
SCOPES = ("TensorFlow Name Scope", "Framework Name Scope")
DERIVED = (STEPS, *OPERATORS, *SCOPES, "XLA Modules", "XLA TraceMe", "Source code", "Launch Stats")
"""Lines that say the same of a device's work again."""
COPY = re.compile(r"Memcpy(\w)2(\w)|^(copy|infeed|outfeed)", re.IGNORECASE)
WAYS = {"copy": "device-to-device", "infeed": "host-to-device", "outfeed": "device-to-host"}
"""Of XLA's instructions: where they move data."""
HLO_COLLECTIVE = re.compile(r"^(all-reduce|all-gather|reduce-scatter|all-to-all|collective-permute)")
STEP_NUMBER, IS_ROOT = "step_num", "_r"
"""What the host's marks of steps say (`tf.profiler.experimental.Trace`, `jax.profiler.StepTraceAnnotation`)."""
SIDES = {"H": "host", "D": "device", "P": "peer"}
WAITS_FOR_DATA = re.compile(r"Iterator(GetNext|::GetNext)|InfeedEnqueue")
BACKGROUND, FETCHING = "tf_data_", "tf_data_iterator_get_next"
"""Threads that fetch data ahead of time: that they work is no waiting. But what takes the next batch for a step that
waits for it runs on a thread of its own too. Source: TensorFlow's guide to tf.data's performance."""
CALL = re.compile(r"^cu(da)?(?!\w*Launch)[A-Z]")
"""A call of the driver that starts no kernel, as one that waits for the device; what starts one has the kernel's name,
or says so."""
PRODUCT = re.compile(r"matmul|einsum|dense|attention|conv[123]d|convolution|lstm|gru\b", re.IGNORECASE)
"""What multiplies matrices, by the names of operators, layers and weights."""
KERNEL_OF_PRODUCT = re.compile(r"gemm|conv(?!er)|cudnn|cublas|cutlass|[hisxw]mma|dot_|wgrad|dgrad", re.IGNORECASE)

Stats = Mapping[str, int | float | str]


def sniff(head: bytes) -> bool:
    """A message whose first field is a plane with a number or a name."""
    if head[:1] != b"\x0a":
        return False
    return b"/host:" in head[:4096] or b"/device:" in head[:4096] or b"/task:" in head[:4096]


@dataclass(frozen=True)
class _Event:
    name: str
    display: str
    start_ns: int
    end_ns: int
    stats: Stats


@dataclass(frozen=True)
class _Plane:
    """One device's or host's part of the file, whose events are read when they are asked for."""

    path: Path
    name: str
    lines: Sequence[memoryview]
    events: Mapping[int, tuple[str, str]]
    stat_names: Mapping[int, str]
    own: Sequence[memoryview] = field(default_factory=tuple[memoryview])

    @cached_property
    def stats(self) -> Stats:
        return dict(self._stat(stat) for stat in self.own)

    def read_lines(self) -> Iterator[tuple[str, list[_Event]]]:
        """Each line's name and its events."""
        for line in self.lines:
            name, base_ns, events = "", 0, list[memoryview]()
            for number, value in fields(line):
                if number == 2:
                    name = text(value)
                elif number == 3:
                    base_ns = signed(value)
                elif number == 4:
                    events.append(bytes_of(value))
            yield name, [event for event in (self._event(one, base_ns) for one in events) if event is not None]

    def _event(self, message: memoryview, base_ns: int) -> _Event | None:
        """None for a count of events, which has no place in time."""
        kind = offset_ps = duration_ps = 0
        stats: list[memoryview] = []
        for number, value in fields(message):
            if number == 1:
                kind = integer(value)
            elif number == 2:
                offset_ps = signed(value)
            elif number == 3:
                duration_ps = signed(value)
            elif number == 4:
                stats.append(bytes_of(value))
            elif number == 5:
                return None
        start = base_ns + offset_ps // PS_PER_NS
        end = base_ns + (offset_ps + duration_ps) // PS_PER_NS
        if not 0 <= start <= end < LATEST_NS:
            raise BadInput(f"{self.path} has an event from {start} to {end} ns.", AGAIN)
        name, display = self.events.get(kind, ("unnamed", ""))
        return _Event(name, display, start, end, dict(self._stat(stat) for stat in stats))

    def _stat(self, message: memoryview) -> tuple[str, int | float | str]:
        name, known = "", 0
        for number, value in fields(message):
            if number == 1:
                name = self.stat_names.get(integer(value), "")
            elif number == 2:
                known = double(value)
            elif number in (3, 4):
                known = signed(value)
            elif number == 5:
                known = text(value)
            elif number == 7:
                known = self.stat_names.get(integer(value), "")
        return name, known


def read(path: Path) -> Profile:
    """The profile of the device that was busy longest; every device's own timeline with it.

    Raises
    ------
    BadInput
        The file is damaged, or no device did anything in it.
    """
    planes, messages = list[_Plane](), list[str]()
    for number, value in fields(memoryview(content_of(path))):
        if number == 1:
            planes.append(_plane(bytes_of(value), path))
        elif number in (2, 3):
            messages.append(text(value))  # Its errors and warnings.
    hosts = [plane for plane in planes if plane.name.startswith(HOST)]
    host = _host(hosts)
    seen = (_device(plane, host.launched) for plane in planes)
    found = [known for known in seen if known is not None]
    if not found:
        raise BadInput(
            f"{path} holds nothing that a device did.",
            "Record while it computes: tf.profiler.experimental.start(folder) … stop(), or jax.profiler.trace.",
        )
    if not any(steps for _, steps in found):
        found = [_in_steps(device, apart(host.steps)) for device, _ in found]
    devices = [device for device, _ in found]
    busiest = busiest_of(devices)
    steps = next(steps for device, steps in found if device is busiest)
    notes = [*said("The recorder", messages), *_incomplete(busiest, host.products)]
    profile = profile_of_devices("xplane", devices, steps, host.going, notes)
    asked = {one.launched_ns for device in devices for one in device.activities}
    return replace(profile, lost=lost_part({start: start for start in host.kernels}, asked))


def _plane(message: memoryview, path: Path) -> _Plane:
    name, lines, own = "", list[memoryview](), list[memoryview]()
    events: dict[int, tuple[str, str]] = {}
    stats: dict[int, str] = {}
    for number, value in fields(message):
        if number == 2:
            name = text(value)
        elif number == 3:
            lines.append(bytes_of(value))
        elif number == 4:
            key, entry = _entry(bytes_of(value))
            events[key] = (entry.get(2, ""), entry.get(4, ""))
        elif number == 5:
            key, entry = _entry(bytes_of(value))
            stats[key] = entry.get(2, "")
        elif number == 6:
            own.append(bytes_of(value))
    return _Plane(path, name, lines, events, stats, own)


def _entry(message: memoryview) -> tuple[int, dict[int, str]]:
    """An entry of a map: its key, and of its value the names (fields 2 and 4)."""
    key, names = 0, dict[int, str]()
    for number, value in fields(message):
        if number == 1:
            key = integer(value)
        elif number == 2:
            names = {inner: text(part) for inner, part in fields(bytes_of(value)) if inner in (2, 4)}
    return key, names


def _device(plane: _Plane, launched: Mapping[int, int]) -> tuple[Device, list[Step]] | None:
    """A device with what it did and its own steps; None where the plane is no device's, or is empty."""
    named = DEVICE.match(plane.name)
    if named is None:
        return None
    lines = list(plane.read_lines())
    steps = apart([(event.name, event.start_ns, event.end_ns) for name, of in lines for event in of if name == STEPS])
    operators = {event.start_ns: event for name, of in lines if name in OPERATORS for event in of}
    working = [(name, of) for name, of in lines if name not in DERIVED]
    of_xla, others = ([one for one in working if (one[0] == XLA_OPS) is is_xla] for is_xla in (True, False))
    # Of a GPU, XLA's line is made of some of its streams' kernels; of a TPU, the other lines are parts of it.
    working = (others or of_xla) if named[1] == GPU else (of_xla or others)
    activities = by_start(_activity(event, name, operators, launched) for name, of in working for event in of)
    if not activities:
        return None
    start = steps[0][1] if steps else activities[0].start_ns
    end = steps[-1][2] if steps else max(one.end_ns for one in activities)
    major, minor = plane.stats.get("compute_cap_major"), plane.stats.get("compute_cap_minor")
    capability = (major, minor) if isinstance(major, int) and isinstance(minor, int) else None
    memory = plane.stats.get("memory_size", 0)
    model = str(plane.stats.get("device_type_string", ""))
    memory_bytes = memory if isinstance(memory, int) else 0
    name = f"{named[1]} {named[2]}"
    return Device(name, activities, start, end, model, capability, memory_bytes, len(steps)), steps


def _activity(event: _Event, line: str, operators: Mapping[int, _Event], launched: Mapping[int, int]) -> Activity:
    kind = _kind(event.name)
    details: dict[str, Any] = {}
    operator = operators.get(event.start_ns)
    if operator is not None and kind == "kernel":
        details |= {"op": operator.display or operator.name, "tf_op": operator.name}
    copied = COPY.search(event.name) if kind == "copy" else None
    if copied:
        way = WAYS.get(str(copied[3]).lower())
        details["direction"] = way or f"{SIDES.get(copied[1], 'other')}-to-{SIDES.get(copied[2], 'other')}"
    size = re.search(r"size:(\d+)", str(event.stats.get("memcpy_details", "")))
    if size:
        details["bytes"] = int(size[1])
    correlation = event.stats.get("correlation_id")
    asked = launched.get(correlation, -1) if isinstance(correlation, int) else -1
    return Activity(event.name, kind, event.start_ns, event.end_ns, line, asked, details)


def _kind(name: str) -> ActivityKind:
    if COPY.search(name):
        return "copy"
    if "Memset" in name:
        return "fill"
    return "communication" if COLLECTIVE.match(name) or HLO_COLLECTIVE.match(name) else "kernel"


def _in_steps(device: Device, marked: Sequence[Step]) -> tuple[Device, list[Step]]:
    """A device without steps of its own, with those of the host's in which it did anything."""
    steps = steps_of(device.activities, marked)
    if not steps:
        return device, []
    return replace(device, start_ns=steps[0][1], end_ns=steps[-1][2], steps=len(steps)), steps


@dataclass
class _Host:
    """When what was launched (by its number), and when a kernel was; what went on; the steps that were marked; and how
    many events belong to layers that multiply matrices."""

    launched: dict[int, int] = field(default_factory=dict[int, int])
    kernels: list[int] = field(default_factory=list[int])
    going: list[Going] = field(default_factory=list[Going])
    steps: list[Step] = field(default_factory=list[Step])
    products: int = 0


def _host(planes: Sequence[_Plane]) -> _Host:
    host = _Host()
    for plane in planes:
        for line, events in plane.read_lines():
            for event in events:
                correlation = event.stats.get("correlation_id")
                if isinstance(correlation, int):
                    host.launched[correlation] = event.start_ns
                    if _kind(event.name) == "kernel" and not CALL.match(event.name):
                        host.kernels.append(event.start_ns)
                if STEP_NUMBER in event.stats and IS_ROOT in event.stats:
                    host.steps.append((f"{event.name} {event.stats[STEP_NUMBER]}", event.start_ns, event.end_ns))
                elif event.end_ns > event.start_ns and _is_of_the_step(event, line):
                    host.going.append(_on_host(event))
                host.products += bool(PRODUCT.search(f"{event.name} {event.stats.get('kernel_name', '')}"))
    return host


def _is_of_the_step(event: _Event, line: str) -> bool:
    """Whether a step may wait for it."""
    if line.startswith(FETCHING):
        return WAITS_FOR_DATA.search(event.name) is not None
    return not line.startswith(BACKGROUND)


def _on_host(event: _Event) -> Going:
    if WAITS_FOR_DATA.search(event.name):
        return Going("loading", event.name, "data", event.start_ns, event.end_ns, {"phase": "data"})
    name = event.display or event.name
    return Going("operator", name, "framework", event.start_ns, event.end_ns, {"op": name})


def _incomplete(device: Device, products: int) -> list[str]:
    """What shows that kernels are missing: layers that multiply matrices were at work, and no product was recorded."""
    kernels = [one for one in device.activities if one.kind == "kernel"]
    if not products or not kernels or any(_is_product(one) for one in kernels):
        return []
    return [
        f"The recording looks incomplete: {products:,} of the host's events belong to layers that multiply matrices, "
        f"and none of the {len(kernels):,} kernels on {device.name} is such a product. What is said here holds for the "
        "recorded part alone. Record fewer steps at a time, so that no event of the device is dropped."
    ]


def _is_product(kernel: Activity) -> bool:
    return bool(KERNEL_OF_PRODUCT.search(kernel.name) or PRODUCT.search(str(kernel.details.get("op", ""))))


READER = Reader("xplane", sniff, read)
