"""What the charts share: axes, colours, names, and how a chart is finished. altair is imported by those who draw.

Colours are CSS variables, so that one chart serves light, dark and print. Everything from outside is data, never the
name of a field nor an expression.
"""

from __future__ import annotations

import importlib
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from unslow.core.trial import Trial
from unslow.report import _words as words
from unslow.report._text import plain

STATIC_WIDTH = 820
FURTHEST = 100.0
RATIO_TITLE = "times as fast as the original"
NAME_LENGTH = 72
_LEAST_TICK_GAP = 0.07
"""Of the axis, between two of its ticks."""
_FONT = "system-ui, sans-serif"
Row = dict[str, Any]


@dataclass(frozen=True)
class Chart:
    """`spec` is Vega-Lite as JSON that may stand in a `<script>`; `svg` shows the same without a script."""

    id: str
    title: str
    spec: str
    svg: str


def safe_json(value: Any) -> str:
    """JSON that cannot end the script it stands in, nor start a comment or another element."""
    text = json.dumps(value, allow_nan=False)
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def domain(trials: Sequence[Trial], noise: float) -> tuple[float, float]:
    """From the least to the greatest end that is known, the noise band and 1.25 always on it."""
    known = [trial.speedup for trial in trials if trial.speedup is not None]
    ends = [end for speed in known for end in (speed.low, speed.high, speed.point, speed.point * 1.15)]
    shown = [end for end in ends if 1 / FURTHEST <= end <= FURTHEST]
    least, most = min([*shown, 1 / (1 + noise), 0.95]), max([*shown, 1 + noise, 1.25])
    room = (most / least) ** 0.03
    return least / room, most * room


def ratio_axis(alt: Any, low: float, high: float) -> Any:
    nice = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 0.7, 0.8, 0.9, 1, 1.1, 1.2, 1.5, 2, 3, 4, 5, 7, 10, 20, 50, 100)
    least_apart = math.log(high / low) * _LEAST_TICK_GAP
    ticks = [1.0]
    for value in sorted(nice, key=lambda value: abs(math.log(value))):
        if low <= value <= high and all(abs(math.log(value / tick)) >= least_apart for tick in ticks):
            ticks.append(value)
    return alt.Axis(values=sorted(ticks), labelExpr="format(datum.value, '~g') + '×'", labelOverlap="greedy")


def labels(trials: Sequence[Trial]) -> list[str]:
    """Names that are short enough and differ from each other."""
    labels: list[str] = []
    for trial in trials:
        name = words.name_of(trial, NAME_LENGTH)
        count = sum(label == name or label.startswith(f"{name} #") for label in labels)
        labels.append(f"{name} #{count + 1}" if count else name)
    return labels


def colours(alt: Any, names: Sequence[str]) -> Any:
    return alt.Scale(domain=list(names), range=[f"var(--{name})" for name in names])


def tips(alt: Any, *names: str) -> list[Any]:
    return [alt.Tooltip(f"{name}:N", title=name) for name in names]


def finished(id: str, title: str, chart: Any) -> Chart:
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
