"""Speed against accuracy: each variant by what it loses and what it gains, with the tolerance."""

from __future__ import annotations

import importlib
import math
from collections.abc import Sequence
from typing import Any

from unslow.core.trial import Report, Trial
from unslow.report import _words as words
from unslow.report._drawing import FURTHEST, Chart, Row, colours, domain, finished, labels, ratio_axis, tips
from unslow.report._loss import Loss, loss_of

HEIGHT = 320
_OUTPUTS = ("kept", "unproven", "lost")
_NAME_ROOM = (0.3, 0.06)
"""Of the chart's width and height, that the name of a point takes."""


def scatter(report: Report) -> Chart | None:
    """Speed-up against what it costs in accuracy; what is left of the tolerance's line is allowed."""
    judged = [(trial, loss_of(trial.outputs)) for trial in words.variants_of(report)]
    pairs = [(t, loss) for t, loss in judged if loss is not None and words.known(t.speedup) and t.speedup.point > 0]
    if not pairs:
        return None
    alt: Any = importlib.import_module("altair")
    units = {loss.unit for _, loss in pairs}
    rows = [_loss_row(t, loss, name) for (t, loss), name in zip(pairs, labels([t for t, _ in pairs]), strict=True)]
    _name_those_with_room(rows)
    title = (
        f"loss of {units.pop()}"
        if units == {"the metric"}
        else "loss (of the metric, or disagreement with the original)"
    )
    x_axis = alt.Axis(tickCount=6, grid=False)
    low, high = domain([t for t, _ in pairs], report.noise)
    scale = alt.Scale(type="log", domain=[low, high], nice=False)
    y = alt.Y("point:Q", scale=scale, title="times as fast", axis=ratio_axis(alt, low, high))
    color = alt.Color("outputs:N", scale=colours(alt, _OUTPUTS), legend=None)
    base = alt.Chart(alt.Data(values=rows)).encode(
        y=y, color=color, tooltip=tips(alt, "name", "speed-up", "loss", "outputs")
    )
    x = alt.X("loss_point:Q", title=title, axis=x_axis)
    across = base.mark_rule(strokeWidth=2).encode(x=alt.X("loss_low:Q", title=title, axis=x_axis), x2="loss_high:Q")
    points = base.mark_point(filled=True, size=110, opacity=1).encode(x=x)
    layers = [*_tolerance(alt, [loss for _, loss in pairs]), across, points, *_names(alt, base, x, rows)]
    chart = alt.layer(*layers).properties(height=HEIGHT)
    return finished("loss", "Speed-up against accuracy: how fast each variant is, and what it loses", chart)


def _loss_row(trial: Trial, loss: Loss, label: str) -> Row:
    assert trial.speedup is not None
    reach = max(abs(loss.point), loss.tolerance or 0.0) * 4 + 1e-9
    low, high = max(loss.low, loss.point - reach), min(loss.high, loss.point + reach)
    return {
        "name": label,
        "point": min(max(trial.speedup.point, 1 / FURTHEST), FURTHEST),
        "loss_point": loss.point,
        "loss_low": low,
        "loss_high": high,
        "loss": f"{loss.point:.4g} ({loss.low:.4g} to {loss.high:.4g})",
        "speed-up": words.speedup_text(trial.speedup),
        "outputs": trial.outputs.verdict if trial.outputs else "unproven",
    }


def _names(alt: Any, base: Any, x: Any, rows: Sequence[Row]) -> list[Any]:
    """The names of the points, towards the middle of the chart."""
    sides = {False: ("left", 8, ~alt.datum.flipped), True: ("right", -8, alt.datum.flipped)}
    return [
        base.mark_text(align=align, dx=dx, dy=-9, fontSize=12, limit=alt.expr("width * 0.5"))
        .encode(x=x, text="shown:N", color=alt.value("var(--ink)"))
        .transform_filter(side)
        for align, dx, side in (sides[flipped] for flipped in sorted({row["flipped"] for row in rows}))
    ]


def _name_those_with_room(rows: Sequence[Row]) -> None:
    """Give each row the text that is `shown` at its point: its name, or nothing where one stands already."""
    losses = [row["loss_high"] for row in rows] + [row["loss_low"] for row in rows]
    logs = [math.log(row["point"]) for row in rows]
    wide, tall = (max(losses) - min(losses)) * _NAME_ROOM[0], (max(logs) - min(logs)) * _NAME_ROOM[1]
    named: list[Row] = []
    for row in rows:
        near = [
            other
            for other in named
            if abs(other["loss_point"] - row["loss_point"]) <= wide
            and abs(math.log(other["point"] / row["point"])) <= tall
        ]
        row["shown"] = "" if near else row["name"]
        row["flipped"] = row["loss_point"] > (max(losses) + min(losses)) / 2
        named += [] if near else [row]


def _tolerance(alt: Any, losses: Sequence[Loss]) -> list[Any]:
    tolerances = {loss.tolerance for loss in losses if loss.tolerance is not None and math.isfinite(loss.tolerance)}
    if len(tolerances) != 1:
        return []
    data = alt.Chart(alt.Data(values=[{"tolerance": tolerances.pop(), "text": "tolerance"}]))
    line = data.mark_rule(color="var(--lost)", strokeDash=[5, 4], strokeWidth=1.5).encode(x="tolerance:Q")
    text = data.mark_text(align="left", dx=5, baseline="top", fontSize=12, color="var(--lost)")
    return [line, text.encode(x="tolerance:Q", y=alt.value(2), text="text:N")]
