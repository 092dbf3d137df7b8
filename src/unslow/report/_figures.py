"""Figures before and after: what changed for whoever runs the model."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from unslow.core import units
from unslow.core.comparison import Comparison, Side
from unslow.core.trial import Report, Trial
from unslow.report._words import original_of, winner_of


@dataclass(frozen=True)
class Figure:
    """One figure. `change` is relative ("−53 %"), `better` whether that is good (None: no change, or unknown)."""

    label: str
    before: str
    after: str = ""
    change: str = ""
    better: bool | None = None
    note: str = ""


@dataclass(frozen=True)
class _Kind:
    """How one figure is read (by the attributes that lead to it in a trial, or a side of a comparison) and shown."""

    label: str
    path: str
    show: Callable[[float], str]
    more_is_better: bool = False


def _ms(value: float) -> str:
    return units.seconds(value / 1e3)


def _digits(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


_P99 = "latency_ms.p99"
_KINDS = (
    _Kind("Time per request", "seconds_per_request", units.seconds),
    _Kind("Latency, median (p50)", "latency_ms.p50", _ms),
    _Kind("Latency, 90th percentile", "latency_ms.p90", _ms),
    _Kind("Latency, 99th percentile", _P99, _ms),
    _Kind("Throughput", "throughput", lambda value: f"{_digits(value)} req/s", True),
    _Kind("Peak memory", "peak_memory_bytes", units.size),
    _Kind("Size on disk", "artefact_bytes", units.size),
    _Kind("CPU time per 1,000 requests", "cpu_seconds_per_1000", units.seconds),
    _Kind("Energy per 1,000 requests", "joules_per_1000", lambda value: f"{_digits(value)} J"),
    _Kind("Start, until warm", "setup_s", units.seconds),
)


def figures(report: Report) -> tuple[Figure, ...]:
    """Before and after, where either was measured; only before, where the original stays."""
    rows = _figures(original_of(report), winner_of(report))
    return tuple(map(_of_steps, rows)) if of_a_script(report) else rows


def of_a_script(report: Report) -> bool:
    """Whether its requests are a script's steps."""
    return report.profile.source == "script"


_STEPS = (
    ("Latency, median (p50)", "Time of a step, median"),
    ("Latency, ", "Time of a step, "),
    ("request", "step"),
    ("req/s", "steps/s"),
)


def _of_steps(row: Figure) -> Figure:
    """The same in a script's words."""
    label, before, after, note = row.label, row.before, row.after, row.note
    for word, steps in _STEPS:
        label, before, after, note = (text.replace(word, steps) for text in (label, before, after, note))
    return replace(row, label=label, before=before, after=after, note=note)


def comparison_figures(comparison: Comparison) -> tuple[Figure, ...]:
    """The figures of both sides, where either was measured."""
    return _figures(comparison.a, comparison.b)


def _figures(before: Trial | Side | None, after: Trial | Side | None) -> tuple[Figure, ...]:
    rows = (_figure(kind, before, after) for kind in _KINDS)
    return tuple(row for row in rows if row is not None)


def _figure(kind: _Kind, before: Trial | Side | None, after: Trial | Side | None) -> Figure | None:
    old, new = _value(before, kind.path), _value(after, kind.path)
    if old is None and new is None:
        return None
    shown_old, shown_new = ("" if value is None else kind.show(value) for value in (old, new))
    change, better = relative(old, new, kind.more_is_better)
    note = _p99_note(after or before) if kind.path == _P99 else ""
    return Figure(kind.label, shown_old, shown_new, change, better, note)


def _value(noun: Trial | Side | None, path: str) -> float | None:
    """The figure, if it was measured and is one."""
    found: Any = noun
    for name in path.split("."):
        found = getattr(found, name, None)
    return found if found is not None and math.isfinite(found) and found >= 0 else None


def _p99_note(noun: Trial | Side | None) -> str:
    latency = noun.latency_ms if noun else None
    if latency is None or math.isnan(latency.p99_low) or math.isnan(latency.p99_high):
        return ""
    high = "∞" if math.isinf(latency.p99_high) else _ms(latency.p99_high)
    return f"{_ms(latency.p99_low)} to {high}, from {latency.n:,} requests"


def relative(old: float | None, new: float | None, more_is_better: bool) -> tuple[str, bool | None]:
    """The change in percent, and whether it is to the good."""
    if old is None or new is None or old <= 0:
        return "", None
    change = new / old - 1
    if abs(change) < 0.005:
        return "same", None
    sign = "+" if change > 0 else "−"
    return f"{sign}{100 * abs(change):.0f} %", (change > 0) == more_is_better


def break_even(report: Report) -> str:
    """After how many requests the change has paid for its longer start; "" where nobody knows."""
    winning = winner_of(report)
    requests = winning.break_even_requests if winning else None
    if requests is None or math.isnan(requests):
        return ""
    if requests <= 0:
        return "at once, it starts no slower"
    unit = "steps" if of_a_script(report) else "requests"
    return "never" if math.isinf(requests) else f"after {math.ceil(requests):,} {unit}"
