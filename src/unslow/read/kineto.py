"""PyTorch's profiler (Kineto): Chrome JSON, plain or gzipped; the host's side of the steps `ProfilerStep#k`.

An operator that works itself counts as `compute`; one that only hands its work to others, or touches no element (a
view, an allocation), as `framework`, and so does what no operator covers: Python. Times are µs with fractions, taken
exactly.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unslow.core.errors import BadInput
from unslow.core.profile import Category, Profile, Span
from unslow.read._files import fraction, json_of, listing, mapping, nanoseconds
from unslow.read._kineto_calls import Call, Calls, call_of, calls_in
from unslow.read._kineto_devices import device_profile, has_devices
from unslow.read._reader import Reader
from unslow.read._torch_ops import category_of, runtime_category
from unslow.read._tree import Stretch, Tree, notes_of, tree_of

NS_PER_US = 1000
STEP, UNMARKED = "ProfilerStep#", "unmarked"
OPERATORS = ("cpu_op", "Operator")
ANNOTATIONS = ("user_annotation",)
RUNTIME = ("cuda_runtime", "cuda_driver", "Runtime")
DEVICE = ("kernel", "Kernel", "gpu_memcpy", "gpu_memset", "Memcpy", "Memset")

OTHERS = (b'"unslow.perfetto', b'"unslow.script')
"""Our own documents that hold such events too."""

Thread = tuple[str, str]
Event = Mapping[str, Any]


@dataclass(frozen=True)
class _Host:
    """What ran on the thread of the steps, how many operators ran on others, and how many events a device had."""

    steps: tuple[Stretch, ...]
    stretches: tuple[Stretch, ...]
    elsewhere: int
    on_device: int


def sniff(head: bytes) -> bool:
    """A JSON object of trace events, unless another reader's schema is on it."""
    return (
        head.lstrip()[:1] == b"{"
        and not any(schema in head for schema in OTHERS)
        and (b'"traceEvents"' in head or b'"schemaVersion"' in head)
    )


def read(path: Path) -> Profile:
    """The host's side of a Kineto recording.

    Raises
    ------
    BadInput
        The file is damaged, or holds no operators at all.
    """
    return profile_of(mapping(json_of(path), path, "a document"), path)


def profile_of(trace: Mapping[str, Any], path: Path) -> Profile:
    """The same of a document that is read already; `path` is what errors name."""
    events = [mapping(event, path, "an event") for event in listing(trace.get("traceEvents"), path, "traceEvents")]
    complete = [event for event in events if event.get("ph") == "X"]
    if "unslow" not in trace and has_devices(complete):
        return device_profile(trace, complete, path)
    host = _host(complete, path)
    tree = tree_of(host.steps, host.stretches)
    header = mapping(trace.get("unslow", {}), path, "a header")
    requests = listing(header.get("requests", []), path, "requests")
    calls = calls_in(trace, path)
    spans = _spans(tree, [calls.get(str(request), Calls()) for request in requests])
    return Profile(spans, "kineto", tree.steps, fraction(header.get("distortion")), _notes(host, tree))


def _host(events: Sequence[Event], path: Path) -> _Host:
    known = [event for event in events if event.get("cat") in (*OPERATORS, *ANNOTATIONS, *RUNTIME)]
    marks = [event for event in known if _is_step(event)]
    operators = [event for event in known if not _is_step(event) and event.get("cat") not in RUNTIME]
    if not operators and not marks:
        raise BadInput(f"{path} holds no operators.", "Record with torch.profiler, with the activity CPU.")
    thread = _busiest(marks or operators)
    here = [_stretch(event, order, path) for order, event in enumerate(known) if _thread(event) == thread]
    steps = [stretch for stretch in here if stretch.name.startswith(STEP)]
    rest = [stretch for stretch in here if not stretch.name.startswith(STEP)]
    elsewhere = sum(1 for event in operators if _thread(event) != thread)
    on_device = sum(1 for event in events if event.get("cat") in DEVICE)
    return _Host(tuple(steps or [_around(rest)]), tuple(rest), elsewhere, on_device)


def _is_step(event: Event) -> bool:
    return event.get("cat") not in RUNTIME and str(event.get("name")).startswith(STEP)


def _thread(event: Event) -> Thread:
    return str(event.get("pid")), str(event.get("tid"))


def _busiest(events: Sequence[Event]) -> Thread:
    return Counter(map(_thread, events)).most_common(1)[0][0]


def _stretch(event: Event, order: int, path: Path) -> Stretch:
    start = nanoseconds(event, "ts", path, NS_PER_US)
    end = start + nanoseconds(event, "dur", path, NS_PER_US)
    args = mapping(event.get("args", {}), path, "an event's args")
    return Stretch(str(event.get("name")), start, end, order, {**args, "cat": event["cat"]})


def _around(stretches: Sequence[Stretch]) -> Stretch:
    """All that was recorded as one step, where nothing marks the steps."""
    return Stretch(UNMARKED, min(s.start_ns for s in stretches), max(s.end_ns for s in stretches))


def _spans(tree: Tree, calls: Sequence[Calls]) -> tuple[Span, ...]:
    """`calls` has one entry a step, for our own recordings; none for those of others."""
    names = [tuple(tree.nodes[child].stretch for child in children) for children in tree.children]
    beside = _calls_beside(tree, calls)
    spans: list[Span] = []
    step = -1
    for node, inside, call in zip(tree.nodes, names, beside, strict=True):
        if node.parent < 0:
            step += 1
            memory = calls[step].memory if step < len(calls) else Calls().memory
            spans.append(
                Span("step", "framework", node.start_ns, node.end_ns, -1, {"mark": node.stretch.name, **memory})
            )
            continue
        category = _category(node.stretch, inside)
        details: dict[str, Any] = {"op": node.stretch.name}
        if call is not None:
            details |= call.details(node.stretch.name, category == "compute")
        spans.append(Span(node.stretch.name, category, node.start_ns, node.end_ns, node.parent, details))
    return tuple(spans)


def _category(stretch: Stretch, inside: Sequence[Stretch]) -> Category:
    if stretch.args["cat"] in RUNTIME:
        return runtime_category(stretch.name)
    children = [child.name for child in inside if child.args["cat"] not in RUNTIME]
    return category_of(stretch.name, children, stretch.args["cat"] in ANNOTATIONS)


def _calls_beside(tree: Tree, calls: Sequence[Calls]) -> list[Call | None]:
    """Of each node of the tree, what it was called with: the operator's own record, else the step's `calls`."""
    found = [call_of(node.stretch.args) for node in tree.nodes]
    roots = [place for place, node in enumerate(tree.nodes) if node.parent < 0]
    for step, (first, after) in enumerate(zip(roots, [*roots[1:], len(tree.nodes)], strict=True)):
        places = [place for place in range(first + 1, after) if tree.nodes[place].stretch.args["cat"] in OPERATORS]
        if step < len(calls):
            apart = calls[step].of([tree.nodes[place].stretch.name for place in places])
            for place, call in zip(places, apart, strict=True):
                found[place] = found[place] or call
    return found


def _notes(host: _Host, tree: Tree) -> tuple[str, ...]:
    notes = list(notes_of(tree, host.elsewhere))
    if host.on_device:
        notes.append(f"The recording also holds {host.on_device} events of a device; this profile is the host's side.")
    if tree.nodes and tree.nodes[0].stretch.name == UNMARKED:
        notes.append("Nothing marks the steps; all that was recorded is taken as one.")
    return tuple(notes)


READER = Reader("kineto", sniff, read)
