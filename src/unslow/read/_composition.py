"""What the phases of a script's steps are made of: operators, and the script's own Python.

Steps and phases are timed while little else is recorded. Two short windows beside them tell what a phase is made of: a
profiler's operators and samples of the Python stack. Each gives parts of a phase's own time; the parts are then laid
out in every phase of the timed steps, so that their lengths are those of steps that nothing slowed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from unslow.core.profile import Category, Profile, Span
from unslow.core.script import PHASE_MARK
from unslow.read import kineto
from unslow.read._brief_lines import brief_lines, users_line
from unslow.read._files import mapping
from unslow.read._samples import Sample, samples_in

LEAST_PART = 0.002
"""Of a phase's own time; smaller parts are put together."""
WHOLE = ("attention", "dropout")
WAITS: frozenset[Category] = frozenset({"data", "io", "sync", "transfer"})
"""Phases whose parts keep their category: that Python decodes a photo does not make it less of a wait for data."""


@dataclass(frozen=True)
class Part:
    """A part of a phase's own time, between 0 and 1, and the span that it becomes."""

    name: str
    category: Category
    fraction: float
    details: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True)
class Lines:
    """What is known of the user's lines, by "file:line": elements by type of the arrays that they name, and how often
    the brief ones among them run in a step."""

    operands: Mapping[str, Mapping[str, Any]]
    brief: Mapping[str, int]


Compositions = Mapping[str, Sequence[Part]]
"""By phase; "" is what lies in no phase."""


def compositions(document: Mapping[str, Any], path: Path) -> Compositions:
    """From the windows of a script's recording; empty where it has none.

    Raises
    ------
    BadInput
        A window is damaged.
    """
    sampled, traced = (mapping(document.get(key, {}), path, key) for key in ("sampled", "operators"))
    samples = samples_in(sampled, path) if sampled else []
    known = Lines(
        {place: mapping(found, path, "operands") for place, found in _operands(sampled, path).items()},
        brief_lines(sampled, samples, path) if sampled else {},
    )
    operators = _operators(kineto.profile_of(traced, path)) if traced else {}
    phases = {sample.within for sample in samples} | set(operators)
    return {
        phase: _joined(operators.get(phase, ()), [sample for sample in samples if sample.within == phase], known)
        for phase in sorted(phases)
    }


def laid_out(spans: Iterable[Span], composed: Compositions) -> tuple[Span, ...]:
    """The spans with the parts of each phase as its children, one after the other in its own time."""
    found: list[Span] = []
    places: list[int] = []  # Of each given span, its new place.
    given = list(spans)
    free = _free_stretches(given)
    for index, span in enumerate(given):
        phase = "" if span.parent < 0 else str(span.details.get("phase", ""))
        parts = composed.get(phase, ())
        keeps = span.category in WAITS
        category = span.category if keeps or not parts or span.category == "other" else "framework"
        parent = places[span.parent] if span.parent >= 0 else -1
        places.append(len(found))
        found.append(Span(span.name, category, span.start_ns, span.end_ns, parent, span.details))
        found += _children(parts, free[index], places[index], span.category if keeps else None)
    return _in_order(found)


def _free_stretches(spans: Sequence[Span]) -> list[list[tuple[int, int]]]:
    """Of each span, the stretches that no child of it covers."""
    free = [[(span.start_ns, span.end_ns)] for span in spans]
    for span in spans:
        if span.parent >= 0:
            start, end = free[span.parent].pop()
            free[span.parent] += [(start, span.start_ns), (span.end_ns, end)]
    return [[(start, end) for start, end in stretches if end > start] for stretches in free]


def _children(
    parts: Sequence[Part], free: Sequence[tuple[int, int]], parent: int, category: Category | None
) -> list[Span]:
    """Each part as a span, or as several where a child of the phase lies in its way."""
    own = sum(end - start for start, end in free)
    found: list[Span] = []
    stretches = list(reversed(free))
    for part in parts:
        left, calls = round(part.fraction * own), part.details.get("calls")
        while left > 0 and stretches:
            start, end = stretches.pop()
            taken = min(left, end - start)
            details = part.details if calls is None else {**part.details, "calls": calls}
            found.append(Span(part.name, category or part.category, start, start + taken, parent, details))
            calls = None if calls is None else 0  # The rest of a part that is cut stands for no further call.
            left -= taken
            if start + taken < end:
                stretches.append((start + taken, end))
    return found


def _in_order(spans: Sequence[Span]) -> tuple[Span, ...]:
    """Siblings by their beginning, parents before their children."""
    children: dict[int, list[int]] = {}
    for index, span in enumerate(spans):
        children.setdefault(span.parent, []).append(index)
    found: list[Span] = []
    waiting = [(index, -1) for index in reversed(children.get(-1, []))]
    while waiting:
        index, parent = waiting.pop()
        span, place = spans[index], len(found)
        found.append(Span(span.name, span.category, span.start_ns, span.end_ns, parent, span.details))
        inside = sorted(children.get(index, []), key=lambda child: spans[child].start_ns, reverse=True)
        waiting += [(child, place) for child in inside]
    return tuple(found)


def _operators(window: Profile) -> dict[str, list[Part]]:
    """Each operator with the same arguments as one part of its phase."""
    phases: list[str] = []
    times: dict[str, Counter[str]] = {}
    calls: dict[str, Counter[str]] = {}
    first: dict[str, tuple[Span, dict[str, str]]] = {}
    within = _within_whole(window)
    totals, counts = Counter[str](), Counter[str]()
    for span, own, whole in zip(window.spans, window.own_ns, within, strict=True):
        phase = _phase(span, phases[span.parent] if span.parent >= 0 else "")
        phases.append(phase)
        totals[phase] += own
        is_phase = span.parent < 0 or span.name.startswith(PHASE_MARK)
        counts[phase] += is_phase
        if is_phase or "::" not in span.name:
            continue
        key = f"{span.name} {span.details.get('shapes')} {span.details.get('dtypes')} {whole}"
        first.setdefault(key, (span, {"within": whole} if whole else {}))
        times.setdefault(phase, Counter())[key] += own
        calls.setdefault(phase, Counter())[key] += 1
    return {
        phase: _largest(
            [
                Part(
                    first[key][0].name,
                    first[key][0].category,
                    own / totals[phase],
                    {
                        **first[key][0].details,
                        **first[key][1],
                        "calls": calls[phase][key] / max(1, counts[phase]),
                    },
                )
                for key, own in found.items()
            ],
            "other operators",
        )
        for phase, found in times.items()
        if totals[phase]
    }


def _within_whole(window: Profile) -> list[str]:
    """Of each span the fused attention or the dropout that calls it, "" where none does: laid out in a phase, parts
    have no caller."""
    within: list[str] = []
    for span in window.spans:
        around = within[span.parent] if span.parent >= 0 else ""
        within.append(around or (span.name if any(word in span.name for word in WHOLE) else ""))
    return within


def _phase(span: Span, around: str) -> str:
    return span.name.removeprefix(PHASE_MARK) if span.name.startswith(PHASE_MARK) else around


def _largest(parts: Sequence[Part], name: str) -> list[Part]:
    """The largest first; those that are too small to matter as one of each category."""
    kept = sorted((part for part in parts if part.fraction >= LEAST_PART), key=lambda part: -part.fraction)
    rest: dict[Category, list[Part]] = {}
    for part in parts:
        if part.fraction < LEAST_PART:
            rest.setdefault(part.category, []).append(part)
    return kept + [
        Part(
            name,
            category,
            sum(part.fraction for part in small),
            {"op": name, "calls": sum(float(part.details.get("calls", 0)) for part in small)},
        )
        for category, small in rest.items()
    ]


def _operands(sampled: Mapping[str, Any], path: Path) -> Mapping[str, Any]:
    """By "file:line", how many elements of which types the arrays have that a line names; older recordings lack it."""
    return mapping(sampled.get("operands", {}), path, "operands")


def _joined(operators: Sequence[Part], samples: Sequence[Sample], known: Lines) -> list[Part]:
    """Operators take the part that they were seen to take; the samples share out the rest.

    Samples in native code that operators explain are left out: they are the same time, seen twice.
    """
    taken = min(1.0, sum(part.fraction for part in operators))
    if not samples:
        return list(operators)
    native = sum(sample.category == "compute" for sample in samples) / len(samples)
    unexplained = max(0.0, native - taken)
    scale = {"compute": unexplained / native if native else 0.0}
    weights = Counter[tuple[Category, tuple[str, ...]]]()
    for sample in samples:
        weights[sample.category, sample.stack] += 1
    scaled = {key: count * scale.get(key[0], 1.0) for key, count in weights.items()}
    total = sum(scaled.values())
    if not total:
        return list(operators)
    parts = [
        _python(category, stack, (1 - taken) * weight / total, known) for (category, stack), weight in scaled.items()
    ]
    return [*operators, *(part for part in sorted(parts, key=lambda part: -part.fraction) if part.fraction > 0)]


def _python(category: Category, stack: tuple[str, ...], fraction: float, known: Lines) -> Part:
    """Named by the innermost function and the user's innermost line; the stack is outermost first."""
    place = users_line(stack)
    file, _, line = place.rpartition(":")
    details: dict[str, Any] = {
        "file": file,
        "line": int(line) if line.isdecimal() else 0,
        "stack": [_shown(frame) for frame in stack],
        "sampled": True,
    }
    if place in known.brief and _is_numpys(stack, place):
        category = "framework" if category == "compute" else category
        details["times_per_step"] = known.brief[place]
    elif place in known.operands and category == "compute":
        details["operands"] = dict(known.operands[place])
    return Part(f"{stack[-1].rpartition(' ')[2]} ({place})", category, fraction, details)


def _is_numpys(stack: tuple[str, ...], place: str) -> bool:
    """Whether the user's own line calls what is written in C, or NumPy."""
    return stack[-1].startswith(f"{place} ") or "/numpy/" in stack[-1]


def _shown(frame: str) -> str:
    """A library's file without the folder that it is installed in."""
    return frame.rpartition("/site-packages/")[2] if "/site-packages/" in frame else frame
