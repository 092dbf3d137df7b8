"""Our step clock (`unslow.steps/1`): steps of any callable, and samples of where the main thread was.

Each moment of a step belongs to the sample that is nearest to it in time, of whatever step: a sample stands for the 5
ms around it, so sums over many steps hold, and single short steps are approximate.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from unslow.core.errors import BadInput
from unslow.core.profile import Category, Profile, Span
from unslow.read._files import AGAIN, fraction, json_of, listing, mapping, nanoseconds
from unslow.read._reader import Reader
from unslow.read._samples import Sample, samples_in

SCHEMA = "unslow.steps/1"


@dataclass(frozen=True)
class _Step:
    start_ns: int
    end_ns: int
    details: Mapping[str, Any]


def sniff(head: bytes) -> bool:
    return head.lstrip()[:1] == b"{" and f'"{SCHEMA}"'.encode() in head[:200]


def read(path: Path) -> Profile:
    """The profile of a step clock's recording.

    Raises
    ------
    BadInput
        The file is damaged, or holds no steps.
    """
    document = mapping(json_of(path), path, "a document")
    steps = [_step(mapping(step, path, "a step"), path) for step in listing(document.get("steps"), path, "steps")]
    if not steps:
        raise BadInput(f"{path} holds no steps.", "Answer at least one request while recording.")
    samples = samples_in(document, path)
    borders = _borders(samples)
    spans: list[Span] = []
    own: Category = "framework" if samples else "other"
    for step in steps:
        root = len(spans)
        spans.append(Span("step", own, step.start_ns, step.end_ns, -1, step.details))
        spans += [_span(sample, start, end, root) for sample, start, end in _shared_out(step, samples, borders)]
    notes = () if samples else ("The steps were too short to be sampled: where their time goes is not known.",)
    return Profile(tuple(spans), "steps", len(steps), fraction(document.get("distortion")), notes)


def _step(step: Mapping[str, Any], path: Path) -> _Step:
    start, end = nanoseconds(step, "start_ns", path), nanoseconds(step, "end_ns", path)
    if end < start:
        raise BadInput(f"{path} has a step that ends before it starts.", AGAIN)
    return _Step(start, end, {key: step[key] for key in ("request", "cpu_ns", "process_cpu_ns") if key in step})


def _borders(samples: Sequence[Sample]) -> list[int]:
    """Half way between neighbours."""
    return [(a.at_ns + b.at_ns) // 2 for a, b in pairwise(samples)]


def _shared_out(step: _Step, samples: Sequence[Sample], borders: Sequence[int]) -> list[tuple[Sample, int, int]]:
    """The step's time by the nearest sample; neighbours of one category and one place in the code are joined."""
    parts: list[tuple[Sample, int, int]] = []
    start = step.start_ns
    for place in range(bisect_right(borders, step.start_ns), len(samples)):
        end = min(step.end_ns, borders[place]) if place < len(borders) else step.end_ns
        sample = samples[place]
        if parts and (parts[-1][0].category, parts[-1][0].stack) == (sample.category, sample.stack):
            parts[-1] = (sample, parts[-1][1], end)
        elif end > start:
            parts.append((sample, start, end))
        start = end
        if end >= step.end_ns:
            break
    return parts


def _span(sample: Sample, start_ns: int, end_ns: int, parent: int) -> Span:
    """Named by the innermost function; `stack` is outermost first."""
    site, _, function = (sample.stack[-1] if sample.stack else "").rpartition(" ")
    file, _, line = site.rpartition(":")
    details: dict[str, Any] = {"file": file, "line": int(line) if line.isdecimal() else 0, "stack": list(sample.stack)}
    return Span(function or "unknown", sample.category, start_ns, end_ns, parent, details)


READER = Reader("steps", sniff, read)
