"""Our recording of a script (`unslow.script/1`): its steps, and where the main thread was between them.

Each step is a root; what it called (a batch waited for, forward, backward, the optimizer, a checkpoint, a print) lies
within it. What no call covers is the script's own Python, `framework`; what looking took is in neither. What these
are made of, operators and lines of Python, comes from two windows of their own (`_composition.py`).
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from unslow.core.errors import BadInput
from unslow.core.profile import Category, Profile, Span
from unslow.read._composition import compositions, laid_out
from unslow.read._files import AGAIN, fraction, json_of, listing, mapping, nanoseconds
from unslow.read._looking import without_looking
from unslow.read._reader import Reader

SCHEMA = "unslow.script/1"
CATEGORIES: dict[str, Category] = {
    "data": "data",
    "restart": "data",
    "forward": "compute",
    "backward": "compute",
    "optimizer": "compute",
    "zero-grad": "compute",
    "sync": "sync",
    "transfer": "transfer",
    "state": "framework",
    "checkpoint": "io",
    "print": "io",
    "log": "io",
}
NOT_SAMPLED = (
    "The script ended before its stack was sampled: which lines its own time goes to is not known. Let it take more "
    "steps: more epochs, or a larger part of the data."
)
NAMES = {
    "data": "wait for a batch",
    "restart": "begin an epoch of batches",
    "zero-grad": "clear gradients",
    "sync": "wait for a number",
    "transfer": "copy to another device",
    "checkpoint": "save a checkpoint",
    "state": "take a state",
}


def sniff(head: bytes) -> bool:
    return head.lstrip()[:1] == b"{" and f'"{SCHEMA}"'.encode() in head[:200]


def read(path: Path) -> Profile:
    """The profile of a script's recording.

    Raises
    ------
    BadInput
        The file is damaged, or holds no steps.
    """
    document = mapping(json_of(path), path, "a document")
    steps = [mapping(step, path, "a step") for step in listing(document.get("steps"), path, "steps")]
    if not steps:
        raise BadInput(f"{path} holds no steps.", "Let the script take a few steps.")
    phases = [mapping(span, path, "a span") for span in listing(document.get("spans"), path, "spans")]
    spans: list[Span] = []
    place = 0
    for step in steps:
        start, end = nanoseconds(step, "start_ns", path), nanoseconds(step, "end_ns", path)
        if end < start:
            raise BadInput(f"{path} has a step that ends before it starts.", AGAIN)
        root = len(spans)
        spans.append(Span("step", "framework", start, end, -1, {"cpu_ns": step.get("cpu_ns", 0)}))
        places, free = dict[int, int](), {root: start}
        while place < len(phases) and nanoseconds(phases[place], "start_ns", path) < start:
            place += 1
        while place < len(phases) and nanoseconds(phases[place], "start_ns", path) < end:
            inside = places.get(_parent(phases[place]), root)
            span = _span(phases[place], inside, free[inside], spans[inside].end_ns, path)
            places[place], free[inside], free[len(spans)] = len(spans), span.end_ns, span.start_ns
            spans.append(span)
            place += 1
    distortion = fraction(document.get("distortion"))
    spans = without_looking(spans, (distortion or 0.0) * _bare_ns(document, path))
    composed = compositions(document, path)
    notes = () if composed else (NOT_SAMPLED,)
    return Profile(laid_out(spans, composed), "script", len(steps), distortion, notes)


def _bare_ns(document: Mapping[str, Any], path: Path) -> float:
    """The median of the steps that were not looked at; 0 where there are none."""
    seconds = [fraction(value) for value in listing(document.get("bare_seconds", []), path, "bare_seconds")]
    return statistics.median([value for value in seconds if value is not None] or [0.0]) * 1e9


def _parent(phase: Mapping[str, Any]) -> int:
    parent = phase.get("parent", -1)
    return parent if isinstance(parent, int) else -1


def _span(phase: Mapping[str, Any], parent: int, free_ns: int, last_ns: int, path: Path) -> Span:
    """Within its parent, after what came before it there."""
    kind, site = str(phase.get("kind", "")), str(phase.get("site", ""))
    start, end = nanoseconds(phase, "start_ns", path), nanoseconds(phase, "end_ns", path)
    start = min(max(start, free_ns), last_ns)
    file, _, line = site.rpartition(":")
    details: dict[str, Any] = {"phase": kind}
    if file:
        details |= {"file": file, "line": int(line) if line.isdecimal() else 0}
    name, category = NAMES.get(kind, kind), CATEGORIES.get(kind, "other")
    return Span(name, category, start, min(max(end, start), last_ns), parent, details)


READER = Reader("script", sniff, read)
