"""ONNX Runtime's profiler: a JSON list of sessions' and nodes' events; each `model_run` is a step.

A node's own time is `compute`; of a node that runs a subgraph (`If`, `Loop`, `Scan`), what its nodes leave, and all
that is not inside a node, is `framework`, as is the user's own code around the model, which our recorder times. ONNX
Runtime counts whole µs: shorter nodes show as 0 or 1. Nodes on a device are timed until they are started; what comes
after the last of them is the wait for the device, `sync`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import accumulate
from pathlib import Path
from typing import Any

from unslow.core.errors import BadInput
from unslow.core.profile import Category, Profile, Span
from unslow.read._files import fraction, json_of, listing, mapping, nanoseconds
from unslow.read._flops import onnx_flops
from unslow.read._reader import Reader
from unslow.read._tree import Stretch, Tree, notes_of, tree_of

NS_PER_US = 1000
STEP = "model_run"
AROUND, WAIT = "prepare and finish", "wait for the device"
LONGEST_S = 1e6
NODE, SESSION, OURS = "Node", "Session", "unslow"
KERNEL_TIME = "_kernel_time"
ON_DEVICE = re.compile(r"^(CUDA|Tensorrt|NvTensorRTRTX|ROCM|MIGraphX|Dml|WebGpu|CANN)ExecutionProvider$", re.IGNORECASE)
"""Providers whose nodes only start work. Source: onnxruntime issues 19930 and 24306, whose runs take many times as
long as their nodes."""
_DTYPES = {"float": "float32", "double": "float64"}

Event = Mapping[str, Any]


def sniff(head: bytes) -> bool:
    """A JSON list whose first events are those of a session."""
    return head.lstrip()[:1] == b"[" and (b'"Session"' in head or KERNEL_TIME.encode() in head)


def read(path: Path) -> Profile:
    """The profile of an ONNX Runtime recording; runs that were only a warm-up (our recorder says how many) are left
    out.

    Raises
    ------
    BadInput
        The file is damaged, or no run of the model was recorded.
    """
    events = [mapping(event, path, "an event") for event in listing(json_of(path), path, "a document")]
    header = _header(events, path)
    runs = [event for event in events if event.get("name") == STEP and event.get("cat") == SESSION]
    if not runs:
        raise BadInput(f"{path} holds no run of a model.", "Answer at least one request before profiling ends.")
    thread = runs[-1].get("tid")
    steps = _after_warm_up([_stretch(event, 0, path) for event in runs if event.get("tid") == thread], header)
    inner = [event for event in events if _is_inner(event)]
    # An event is written when it ends: of two that look alike, the later encloses the earlier.
    here = [_stretch(event, -place, path) for place, event in enumerate(inner) if event.get("tid") == thread]
    tree = tree_of(steps, here)
    notes = notes_of(tree, len(inner) - len(here))
    spans = _spans(tree, path)
    if devices := {provider for span in spans if ON_DEVICE.match(provider := str(span.details.get("provider", "")))}:
        spans = _with_waits(spans)
        notes += (
            f"Nodes of {', '.join(sorted(devices))} are timed until they are started: which of them take long on the "
            "device is not in this recording, only the wait for all of them. Record with the device's own profiler: "
            "nsys profile --trace cuda,nvtx COMMAND.",
        )
    spans = _with_around(spans, _around_ns(header))
    return Profile(spans, "onnxruntime", tree.steps, fraction(header.get("distortion")), notes)


def _with_waits(spans: tuple[Span, ...]) -> tuple[Span, ...]:
    """With what comes after the last node of each run, in which the runtime waits for the device."""
    ends: dict[int, int] = {}
    for span in spans:
        if span.parent >= 0 and spans[span.parent].parent < 0:
            ends[span.parent] = max(span.end_ns, ends.get(span.parent, 0))
    waits = (Span(WAIT, "sync", end_ns, spans[run].end_ns, run) for run, end_ns in ends.items())
    return (*spans, *(wait for wait in waits if wait.duration_ns))


def _after_warm_up(steps: Sequence[Stretch], header: Mapping[str, Any]) -> list[Stretch]:
    runs = header.get("warm_up")
    left_out = runs if isinstance(runs, int) and 0 <= runs < len(steps) else 0
    return sorted(steps, key=lambda step: step.start_ns)[left_out:]


def _header(events: Sequence[Event], path: Path) -> Mapping[str, Any]:
    ours = [event for event in events if event.get("cat") == OURS]
    return mapping(ours[-1].get("args", {}), path, "a header") if ours else {}


def _around_ns(header: Mapping[str, Any]) -> list[int]:
    seconds = header.get("around_seconds")
    listed: list[Any] = seconds if isinstance(seconds, list) else []  # pyright: ignore[reportUnknownVariableType]
    known = [one for each in listed if (one := fraction(each)) is not None and 0 <= one < LONGEST_S]
    return [round(one * 1e9) for one in known] if len(known) == len(listed) else []


def _with_around(spans: tuple[Span, ...], around_ns: Sequence[int]) -> tuple[Span, ...]:
    """Each step with the user's own code at its end, as long as our recorder found it to be; later steps move on."""
    roots = [place for place, span in enumerate(spans) if span.parent < 0]
    if len(around_ns) != len(roots):
        return spans
    later = dict(zip(roots, accumulate((0, *around_ns)), strict=False))
    length = dict(zip(roots, around_ns, strict=True))
    step_of: list[int] = []
    moved: list[Span] = []
    for place, span in enumerate(spans):
        step_of.append(place if span.parent < 0 else step_of[span.parent])
        by = later[step_of[place]]
        longer = length[place] if span.parent < 0 else 0
        moved.append(replace(span, start_ns=span.start_ns + by, end_ns=span.end_ns + by + longer))
    ends = [moved[root].end_ns for root in roots]
    own = [Span(AROUND, "framework", end - ns, end, root) for root, end, ns in zip(roots, ends, around_ns, strict=True)]
    return (*moved, *(span for span in own if span.duration_ns))


def _is_inner(event: Event) -> bool:
    """A node's kernel, or the executor of a graph; older releases also record fences, which take no time."""
    name = str(event.get("name"))
    if event.get("ph") != "X":
        return False
    if event.get("cat") == NODE:
        return name.endswith(KERNEL_TIME)
    return event.get("cat") == SESSION and "Execut" in name


def _stretch(event: Event, order: int, path: Path) -> Stretch:
    start = nanoseconds(event, "ts", path, NS_PER_US)
    args = mapping(event.get("args", {}), path, "an event's args")
    name = str(event.get("name")).removesuffix(KERNEL_TIME)
    return Stretch(name, start, start + nanoseconds(event, "dur", path, NS_PER_US), order, args)


def _spans(tree: Tree, path: Path) -> tuple[Span, ...]:
    spans: list[Span] = []
    for node, children in zip(tree.nodes, tree.children, strict=True):
        args = node.stretch.args
        category = _category(args, bool(children))
        details = _details(args, category, path) if "op_name" in args else {}
        spans.append(Span(node.stretch.name, category, node.start_ns, node.end_ns, node.parent, details))
    return tuple(spans)


def _category(args: Mapping[str, Any], has_children: bool) -> Category:
    if "op_name" not in args or has_children:
        return "framework"
    return "transfer" if str(args["op_name"]).startswith("Memcpy") else "compute"


def _details(args: Mapping[str, Any], category: Category, path: Path) -> dict[str, Any]:
    op = str(args["op_name"])
    inputs, dtypes = _arrays(args.get("input_type_shape", []), path)
    outputs, _ = _arrays(args.get("output_type_shape", []), path)
    details: dict[str, Any] = {"op": op, "provider": str(args.get("provider", ""))}
    if inputs:
        details |= {"shapes": inputs, "dtypes": dtypes}
    flops = onnx_flops(op, inputs, outputs) if category == "compute" else None
    return details if flops is None else {**details, "flops": flops}


def _arrays(listed: Any, path: Path) -> tuple[list[list[int]], list[str]]:
    """Shapes and dtypes of `[{"float": [1, 64]}, …]`; sequences and missing inputs are left out."""
    shapes: list[list[int]] = []
    dtypes: list[str] = []
    for entry in listing(listed, path, "a node's shapes"):
        for dtype, shape in mapping(entry, path, "an array").items():
            lengths = listing(shape, path, "a shape")
            if all(isinstance(length, int) for length in lengths):
                shapes.append(lengths)
                dtypes.append(_DTYPES.get(dtype, dtype))
    return shapes, dtypes


READER = Reader("onnxruntime", sniff, read)
