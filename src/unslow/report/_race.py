"""The race as an interval plot: a point and an interval for each variant, on a log axis, the noise band shaded."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any

from unslow.core.trial import Report, Trial
from unslow.report import _words as words
from unslow.report._drawing import RATIO_TITLE, Chart, Row, colours, domain, finished, labels, ratio_axis, tips

ROW_HEIGHT = 46
_VERDICTS = ("faster", "same", "slower", "undecided", "failed")


def race(report: Report) -> Chart | None:
    """Each trial's speed-up with its interval on a log axis, the noise band shaded."""
    trials = [trial for trial in words.variants_of(report) if words.known(trial.speedup) and trial.speedup.point > 0]
    if not trials:
        return None
    alt: Any = importlib.import_module("altair")
    low, high = domain(trials, report.noise)
    rows = [_row(trial, label, low, high) for trial, label in zip(trials, labels(trials), strict=True)]
    y = alt.Y("row:N", sort=[row["row"] for row in rows], axis=None)
    scale = alt.Scale(type="log", domain=[low, high], nice=False)
    x = alt.X("point:Q", scale=scale, title=RATIO_TITLE, axis=ratio_axis(alt, low, high))
    color = alt.Color("verdict:N", scale=colours(alt, _VERDICTS), legend=None)
    base = alt.Chart(alt.Data(values=rows)).encode(
        y=y, color=color, tooltip=tips(alt, "name", "speed-up", "verdict", "measured in")
    )
    start = alt.X("low:Q", scale=scale, title=RATIO_TITLE, axis=ratio_axis(alt, low, high))
    line = base.mark_rule(strokeWidth=3, yOffset=9, strokeCap="round").encode(x=start, x2="high:Q")
    finals = base.mark_point(filled=True, size=120, opacity=1, yOffset=9).encode(x=x)
    finals = finals.transform_filter(alt.datum.final)
    heats = base.mark_point(filled=False, fill="var(--paper)", size=80, opacity=1, strokeWidth=2, yOffset=9).encode(x=x)
    heats = heats.transform_filter(~alt.datum.final)
    layers = [*_band(alt, scale, report.noise, low, high), line, *_open_ends(alt, base, scale), heats, finals]
    chart = alt.layer(*layers, *_row_texts(alt, rows, y)).properties(height=ROW_HEIGHT * len(rows))
    return finished("race", "Speed-up of every variant that was measured, with its interval", chart)


def _row(trial: Trial, label: str, low: float, high: float) -> Row:
    speed = trial.speedup
    assert speed is not None
    return {
        "row": label,
        "name": label,
        "low": min(max(speed.low, low), high),
        "high": max(min(speed.high, high), low),
        "point": min(max(speed.point, low), high),
        "open_left": speed.low < low,
        "open_right": speed.high > high,
        "verdict": trial.verdict,
        "final": speed.process_pairs > 0,
        "speed-up": words.speedup_text(speed),
        "figure": words.speedup_text(speed) + _doubt(trial),
        "measured in": _where(trial),
    }


def _doubt(trial: Trial) -> str:
    """What must be said next to a figure whose outputs are not the original's for sure."""
    verdict = trial.outputs.verdict if trial.outputs else "kept"
    return "" if verdict == "kept" else f" · {verdict}"


def _where(trial: Trial) -> str:
    speed = trial.speedup
    if speed is None:
        return ""
    if speed.process_pairs:
        return f"the finals, {speed.process_pairs} pairs of processes"
    return f"the race, {speed.turn_pairs} pairs of turns"


def _band(alt: Any, scale: Any, noise: float, low: float, high: float) -> list[Any]:
    """The noise band, and the line at 1."""
    band = {"from": max(1 / (1 + noise), low), "to": min(1 + noise, high), "one": 1.0}
    data = alt.Chart(alt.Data(values=[band]))
    shade = data.mark_rect(color="var(--band)", opacity=1).encode(x=alt.X("from:Q", scale=scale), x2="to:Q")
    return [shade, data.mark_rule(color="var(--soft)", strokeDash=[2, 3]).encode(x=alt.X("one:Q", scale=scale))]


def _open_ends(alt: Any, base: Any, scale: Any) -> list[Any]:
    """Arrows where an interval goes on beyond the axis."""
    ends = (("open_left", "low", "triangle-left"), ("open_right", "high", "triangle-right"))
    return [
        base.mark_point(shape=shape, filled=True, size=70, opacity=1, yOffset=9)
        .encode(x=alt.X(f"{end}:Q", scale=scale))
        .transform_filter(alt.datum[flag])
        for flag, end, shape in ends
    ]


def _row_texts(alt: Any, rows: Sequence[Row], y: Any) -> list[Any]:
    """Each row's name above its interval on the left, its figure on the right: readable at any width."""
    data = alt.Chart(alt.Data(values=list(rows))).encode(y=y)
    name = data.mark_text(align="left", dy=-9, fontSize=13, limit=alt.expr("width - 195"), color="var(--ink)")
    figure = data.mark_text(align="right", dy=-9, fontSize=12, color="var(--soft)")
    return [
        name.encode(x=alt.value(0), text="name:N"),
        figure.encode(x=alt.value("width"), text="figure:N"),
    ]
