"""PyTorch's profiler (Kineto): Chrome JSON, plain or gzipped; the host's side of the steps `ProfilerStep#k`.

An operator that works itself counts as `compute`; one that only hands its work to others, or touches no element (a
view, an allocation), as `framework`, and so does what no operator covers: Python. Times are µs with fractions, taken
exactly. A file of any size is read in little memory (`_kineto_file.py`, `_kineto_table.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from unslow.core.errors import BadInput
from unslow.core.profile import Category, Profile, Span
from unslow.read._exposed import FRAME, MARKS
from unslow.read._files import fraction, listing, mapping
from unslow.read._kineto_calls import Call, Calls, calls_in
from unslow.read._kineto_devices import device_profile, has_devices
from unslow.read._kineto_file import batch_of, document
from unslow.read._kineto_frees import with_frees
from unslow.read._kineto_middle import middle_ns
from unslow.read._kineto_steps import kept_steps, steps_in
from unslow.read._kineto_table import ANNOTATION, DEVICES, OPERATOR, PYTHON, RUNTIME, Column, Gathering, Table
from unslow.read._reader import Reader
from unslow.read._torch_ops import category_of, is_loading, runtime_category
from unslow.read._tree import Stretch, Tree, notes_of, tree_of

UNMARKED = "unmarked"
WAIT: Mapping[str, Any] = {"phase": "data"}
KIND, CALL = "kind", "call"
OTHERS = (b'"unslow.perfetto', b'"unslow.script')
"""Our own documents that hold such events too."""


@dataclass(frozen=True)
class _Host:
    """What ran on the thread of the steps, how many operators ran on others, how many events a device had, and what is
    to be said of the steps."""

    steps: tuple[Stretch, ...]
    stretches: tuple[Stretch, ...]
    elsewhere: int
    on_device: int
    notes: tuple[str, ...]


def sniff(head: bytes) -> bool:
    """A JSON object of trace events, unless another reader's schema is on it."""
    return (
        head.lstrip()[:1] == b"{"
        and not any(schema in head for schema in OTHERS)
        and (b'"traceEvents"' in head or b'"schemaVersion"' in head)
    )


def read(path: Path) -> Profile:
    """The host's side of a Kineto recording; with a device's, what the steps wait for.

    Raises
    ------
    BadInput
        The file is damaged, or holds no operators at all.
    """
    gathering = Gathering(path, middle=partial(middle_ns, path))
    rest = document(path, gathering.take)
    return _profile(gathering.table(), rest)


def profile_of(trace: Mapping[str, Any], path: Path) -> Profile:
    """The host's side alone, of a document that is read already; `path` is what errors name."""
    gathering = Gathering(path)
    gathering.take(batch_of(listing(trace.get("traceEvents"), path, "traceEvents"), path))
    return _of_the_host(gathering.table(), trace)


def _profile(table: Table, rest: Mapping[str, Any]) -> Profile:
    """`rest` is the document without its events."""
    if not has_devices(table):
        return _of_the_host(table, rest)
    found = device_profile(rest, table)
    if "unslow" not in rest:
        return found
    header = mapping(rest["unslow"], table.path, "a header")  # Of our own recordings: what they cost was measured.
    return replace(found, distortion=fraction(header.get("distortion")))


def _of_the_host(table: Table, rest: Mapping[str, Any]) -> Profile:
    host = _host(table)
    tree = tree_of(host.steps, host.stretches)
    header = mapping(rest.get("unslow", {}), table.path, "a header")
    requests = listing(header.get("requests", []), table.path, "requests")
    calls = calls_in(rest, table.path)
    spans = with_frees(_spans(tree, [calls.get(str(request), Calls()) for request in requests]))
    return Profile(spans, "kineto", tree.steps, fraction(header.get("distortion")), _notes(host, tree))


def _host(table: Table) -> _Host:
    marks = np.flatnonzero(table.is_mark & np.isin(table.code, (OPERATOR, ANNOTATION)))
    operators = table.rows(OPERATOR, ANNOTATION)
    if not len(operators) and not len(marks):
        raise BadInput(f"{table.path} holds no operators.", "Record with torch.profiler, with the activity CPU.")
    thread = _busiest(table, marks if len(marks) else operators)
    marks = marks[table.place[marks] == thread]
    steps, notes = kept_steps(table, steps_in(table, marks))
    inside = table.rows(OPERATOR, ANNOTATION, RUNTIME, PYTHON)
    stretches = _stretches(table, inside[table.place[inside] == thread])
    elsewhere = int((table.place[operators] != thread).sum())
    roots = [Stretch(*step) for step in steps] or [_around(stretches)]
    return _Host(tuple(roots), stretches, elsewhere, len(table.rows(*DEVICES)), notes)


def _busiest(table: Table, rows: Column) -> int:
    """The thread with most of these rows; of several the one that comes first."""
    counts = np.bincount(table.place[rows])
    tied = np.flatnonzero(counts == counts.max())
    return int(next(place for place in table.place[rows] if place in tied))


def _stretches(table: Table, rows: Column) -> tuple[Stretch, ...]:
    """In the file's order; what two were called with is one object where it is the same."""
    args: dict[tuple[int, int], Mapping[str, Any]] = {}
    found: list[Stretch] = []
    for name, start, end, code, call in table.each(rows, table.name, table.start, table.end, table.code, table.call):
        known = args.setdefault((code, call), {KIND: code, CALL: table.calls[call]})
        found.append(Stretch(table.names[name], start, end, len(found), known))
    return tuple(found)


def _around(stretches: Sequence[Stretch]) -> Stretch:
    """All that was recorded as one step, where nothing marks the steps."""
    return Stretch(UNMARKED, min(s.start_ns for s in stretches), max(s.end_ns for s in stretches))


def _spans(tree: Tree, calls: Sequence[Calls]) -> tuple[Span, ...]:
    """`calls` has one entry a step, for our own recordings; none for those of others."""
    beside, categories = _calls_beside(tree, calls), _categories(tree)
    known: dict[tuple[str, int, bool], Mapping[str, Any]] = {}
    spans: list[Span] = []
    step = -1
    for node, category, call in zip(tree.nodes, categories, beside, strict=True):
        name = node.stretch.name
        if node.parent < 0:
            step += 1
            memory = calls[step].memory if step < len(calls) else Calls().memory
            spans.append(Span("step", "framework", node.start_ns, node.end_ns, -1, {"mark": name, **memory}))
            continue
        key = (name, id(call), category == "compute")
        if key not in known:
            is_python = node.stretch.args[KIND] == PYTHON
            known[key] = _details(name, call, category == "compute") if not is_python else FRAME
            known[key] = WAIT if is_loading(name) else known[key]
        spans.append(Span(name, category, node.start_ns, node.end_ns, node.parent, known[key]))
    return tuple(spans)


def _details(name: str, call: Call | None, computes: bool) -> Mapping[str, Any]:
    return {"op": name, **(call.details(name, computes) if call is not None else {})}


def _categories(tree: Tree) -> list[Category]:
    """Of each node; what the loader runs to make a batch in this thread is waiting for data."""
    found = _by_what_they_are(tree)
    loads: list[bool] = []
    for place, node in enumerate(tree.nodes):
        loads.append(node.parent >= 0 and (loads[node.parent] or is_loading(node.stretch.name)))
        if loads[place]:
            found[place] = "data"
    return found


def _by_what_they_are(tree: Tree) -> list[Category]:
    """Of each node; from the last to the first, so that no more children are held than those of open parents."""
    found: list[Category] = []
    inside: dict[int, list[Stretch]] = {}
    for place in range(len(tree.nodes) - 1, -1, -1):
        node = tree.nodes[place]
        children = inside.pop(place, [])
        found.append(_category(node.stretch, children) if node.parent >= 0 else "framework")
        inside.setdefault(node.parent, []).append(node.stretch)
    return found[::-1]


def _category(stretch: Stretch, inside: Sequence[Stretch]) -> Category:
    if stretch.args[KIND] == RUNTIME:
        return runtime_category(stretch.name)
    if stretch.args[KIND] == PYTHON:
        return "framework"
    children = [child.name for child in inside if child.args[KIND] not in (RUNTIME, PYTHON)]
    return category_of(stretch.name, children, stretch.args[KIND] == ANNOTATION)


def _calls_beside(tree: Tree, calls: Sequence[Calls]) -> list[Call | None]:
    """Of each node of the tree, what it was called with: the operator's own record, else the step's `calls`."""
    found: list[Call | None] = [node.stretch.args.get(CALL) for node in tree.nodes]
    roots = [place for place, node in enumerate(tree.nodes) if node.parent < 0]
    for step, (first, after) in enumerate(zip(roots, [*roots[1:], len(tree.nodes)], strict=True)):
        if step < len(calls):
            places = [place for place in range(first + 1, after) if tree.nodes[place].stretch.args[KIND] == OPERATOR]
            apart = calls[step].of([tree.nodes[place].stretch.name for place in places])
            for place, call in zip(places, apart, strict=True):
                found[place] = found[place] or call
    return found


def _notes(host: _Host, tree: Tree) -> tuple[str, ...]:
    notes = [*host.notes, *notes_of(tree, host.elsewhere)]
    if host.on_device:
        notes.append(f"The recording also holds {host.on_device} events of a device; this profile is the host's side.")
    if tree.nodes and tree.nodes[0].stretch.name == UNMARKED:
        notes.append(f"Nothing marks the steps; all that was recorded is taken as one. {MARKS['kineto']}")
    return tuple(notes)


READER = Reader("kineto", sniff, read)
