"""The page's charts, made by altair where it is installed: as Vega-Lite for the script, as SVG where there is none.

Colours are CSS variables, so that one chart serves light, dark and print. Everything from outside is data, never a field name
or an expression.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from unslow.core.trial import Report, Trial
from unslow.report import _words as words
from unslow.report._loss import Loss, loss_of
from unslow.report._text import plain

STATIC_WIDTH = 820
ROW_HEIGHT = 46
_VERDICTS = ("faster", "same", "slower", "undecided", "failed")
_OUTPUTS = ("kept", "unproven", "lost")
_FURTHEST = 100.0
_RATIO_TITLE = "times as fast as the original"
_LEAST_TICK_GAP = 0.07
"""Of the axis, between two of its ticks."""
_NAME_ROOM = (0.3, 0.06)
"""Of the scatter's width and height, that the name of a point takes."""
_FONT = "system-ui, sans-serif"
Row = dict[str, Any]


@dataclass(frozen=True)
class Chart:
    """`spec` is Vega-Lite as JSON that may stand in a `<script>`; `svg` shows the same without a script."""

    id: str
    title: str
    spec: str
    svg: str


def available() -> bool:
    """Whether the extra `report` is installed."""
    return all(importlib.util.find_spec(name) is not None for name in ("altair", "vl_convert"))


def charts(report: Report) -> dict[str, Chart]:
    """Every chart that the report has data for, by its id; none without the extra."""
    if not available():
        return {}
    made = [make(report) for make in (_race, _scatter)]
    return {chart.id: chart for chart in made if chart is not None}


@cache
def javascript() -> str:
    """Vega, Vega-Lite and vega-embed, to stand in one `<script>` of a page that loads nothing."""
    converter: Any = importlib.import_module("vl_convert")
    bundle: str = converter.javascript_bundle()
    return bundle.replace("\r\n", "\n").replace("</script", "<\\/script").replace("<!--", "<\\!--")


def safe_json(value: Any) -> str:
    """JSON that cannot end the script it stands in, nor start a comment or another element."""
    text = json.dumps(value, allow_nan=False)
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _race(report: Report) -> Chart | None:
    """Each trial's speed-up with its interval on a log axis, the noise band shaded."""
    trials = [trial for trial in words.variants_of(report) if words.known(trial.speedup) and trial.speedup.point > 0]
    if not trials:
        return None
    alt: Any = importlib.import_module("altair")
    low, high = _domain(trials, report.noise)
    rows = [_race_row(trial, label, low, high) for trial, label in zip(trials, _labels(trials), strict=True)]
    y = alt.Y("row:N", sort=[row["row"] for row in rows], axis=None)
    scale = alt.Scale(type="log", domain=[low, high], nice=False)
    x = alt.X("point:Q", scale=scale, title=_RATIO_TITLE, axis=_ratio_axis(alt, low, high))
    color = alt.Color("verdict:N", scale=_colours(alt, _VERDICTS), legend=None)
    base = alt.Chart(alt.Data(values=rows)).encode(
        y=y, color=color, tooltip=_tips(alt, "name", "speed-up", "verdict", "measured in")
    )
    start = alt.X("low:Q", scale=scale, title=_RATIO_TITLE, axis=_ratio_axis(alt, low, high))
    line = base.mark_rule(strokeWidth=3, yOffset=9, strokeCap="round").encode(x=start, x2="high:Q")
    finals = base.mark_point(filled=True, size=120, opacity=1, yOffset=9).encode(x=x)
    finals = finals.transform_filter(alt.datum.final)
    heats = base.mark_point(filled=False, fill="var(--paper)", size=80, opacity=1, strokeWidth=2, yOffset=9).encode(x=x)
    heats = heats.transform_filter(~alt.datum.final)
    layers = [*_band(alt, scale, report.noise, low, high), line, *_open_ends(alt, base, scale), heats, finals]
    chart = alt.layer(*layers, *_row_texts(alt, rows, y)).properties(height=ROW_HEIGHT * len(rows))
    return _finished("race", "Speed-up of every variant that was measured, with its interval", chart)


def _race_row(trial: Trial, label: str, low: float, high: float) -> Row:
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


def _domain(trials: Sequence[Trial], noise: float) -> tuple[float, float]:
    """From the least to the greatest end that is known, the noise band and 1.25 always on it."""
    known = [trial.speedup for trial in trials if trial.speedup is not None]
    ends = [end for speed in known for end in (speed.low, speed.high, speed.point, speed.point * 1.15)]
    shown = [end for end in ends if 1 / _FURTHEST <= end <= _FURTHEST]
    least, most = min([*shown, 1 / (1 + noise), 0.95]), max([*shown, 1 + noise, 1.25])
    room = (most / least) ** 0.03
    return least / room, most * room


def _ratio_axis(alt: Any, low: float, high: float) -> Any:
    nice = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 0.7, 0.8, 0.9, 1, 1.1, 1.2, 1.5, 2, 3, 4, 5, 7, 10, 20, 50, 100)
    least_apart = math.log(high / low) * _LEAST_TICK_GAP
    ticks = [1.0]
    for value in sorted(nice, key=lambda value: abs(math.log(value))):
        if low <= value <= high and all(abs(math.log(value / tick)) >= least_apart for tick in ticks):
            ticks.append(value)
    return alt.Axis(values=sorted(ticks), labelExpr="format(datum.value, '~g') + '×'", labelOverlap="greedy")


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


def _scatter(report: Report) -> Chart | None:
    """Speed-up against what it costs in accuracy; what is left of the tolerance's line is allowed."""
    judged = [(trial, loss_of(trial.outputs)) for trial in words.variants_of(report)]
    pairs = [(t, loss) for t, loss in judged if loss is not None and words.known(t.speedup) and t.speedup.point > 0]
    if not pairs:
        return None
    alt: Any = importlib.import_module("altair")
    units = {loss.unit for _, loss in pairs}
    rows = [_loss_row(t, loss, name) for (t, loss), name in zip(pairs, _labels([t for t, _ in pairs]), strict=True)]
    _name_those_with_room(rows)
    title = (
        f"loss of {units.pop()}"
        if units == {"the metric"}
        else "loss (of the metric, or disagreement with the original)"
    )
    x_axis = alt.Axis(tickCount=6, grid=False)
    low, high = _domain([t for t, _ in pairs], report.noise)
    scale = alt.Scale(type="log", domain=[low, high], nice=False)
    y = alt.Y("point:Q", scale=scale, title="times as fast", axis=_ratio_axis(alt, low, high))
    color = alt.Color("outputs:N", scale=_colours(alt, _OUTPUTS), legend=None)
    base = alt.Chart(alt.Data(values=rows)).encode(
        y=y, color=color, tooltip=_tips(alt, "name", "speed-up", "loss", "outputs")
    )
    x = alt.X("loss_point:Q", title=title, axis=x_axis)
    across = base.mark_rule(strokeWidth=2).encode(x=alt.X("loss_low:Q", title=title, axis=x_axis), x2="loss_high:Q")
    points = base.mark_point(filled=True, size=110, opacity=1).encode(x=x)
    layers = [*_tolerance(alt, [loss for _, loss in pairs]), across, points, *_names(alt, base, x)]
    chart = alt.layer(*layers).properties(height=320)
    return _finished("loss", "Speed-up against accuracy: how fast each variant is, and what it loses", chart)


def _loss_row(trial: Trial, loss: Loss, label: str) -> Row:
    assert trial.speedup is not None
    reach = max(abs(loss.point), loss.tolerance or 0.0) * 4 + 1e-9
    low, high = max(loss.low, loss.point - reach), min(loss.high, loss.point + reach)
    return {
        "name": label,
        "point": min(max(trial.speedup.point, 1 / _FURTHEST), _FURTHEST),
        "loss_point": loss.point,
        "loss_low": low,
        "loss_high": high,
        "loss": f"{loss.point:.4g} ({loss.low:.4g} to {loss.high:.4g})",
        "speed-up": words.speedup_text(trial.speedup),
        "outputs": trial.outputs.verdict if trial.outputs else "unproven",
    }


def _names(alt: Any, base: Any, x: Any) -> list[Any]:
    """The names of the points, towards the middle of the chart."""
    sides = (("left", 8, ~alt.datum.flipped), ("right", -8, alt.datum.flipped))
    return [
        base.mark_text(align=align, dx=dx, dy=-9, fontSize=12, limit=alt.expr("width * 0.5"))
        .encode(x=x, text="shown:N", color=alt.value("var(--ink)"))
        .transform_filter(side)
        for align, dx, side in sides
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


def _labels(trials: Sequence[Trial]) -> list[str]:
    """Names that are short enough and differ from each other."""
    labels: list[str] = []
    for trial in trials:
        name = words.name_of(trial, 72)
        count = sum(label == name or label.startswith(f"{name} #") for label in labels)
        labels.append(f"{name} #{count + 1}" if count else name)
    return labels


def _colours(alt: Any, names: Sequence[str]) -> Any:
    return alt.Scale(domain=list(names), range=[f"var(--{name})" for name in names])


def _tips(alt: Any, *names: str) -> list[Any]:
    return [alt.Tooltip(f"{name}:N", title=name) for name in names]


def _finished(id: str, title: str, chart: Any) -> Chart:
    spec: dict[str, Any] = (
        chart.properties(width="container", background="transparent").configure(**_config()).to_dict()
    )
    spec.pop("$schema", None)
    converter: Any = importlib.import_module("vl_convert")
    svg: str = converter.vegalite_to_svg({**spec, "width": STATIC_WIDTH})
    return Chart(id, title, safe_json(spec), _described(svg, title))


def _described(svg: str, title: str) -> str:
    """The SVG with a title for those who cannot see it."""
    start, end = svg.index("<svg"), svg.index(">", svg.index("<svg"))
    return f'{svg[start:end]} role="img"><title>{plain(title)}</title>{svg[end + 1 :]}'


def _config() -> dict[str, Any]:
    lines = {"domainColor": "var(--line)", "tickColor": "var(--line)", "gridColor": "var(--line)", "gridOpacity": 0.6}
    texts = {"labelColor": "var(--soft)", "titleColor": "var(--soft)", "labelFontSize": 12, "titleFontSize": 12}
    axis = {**lines, **texts, "titleFontWeight": "normal", "titlePadding": 10, "domain": False}
    return {"axis": axis, "view": {"stroke": None}, "font": _FONT}
