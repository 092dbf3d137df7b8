"""The peers as a table and as a plot."""

from __future__ import annotations

import importlib
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unslow.core.estimate import Estimate
from unslow.core.units import interval

if TYPE_CHECKING:
    from bench.peers._row import Row

HEAD = ("by hand with", "times as fast as the original", "as unslow's choice", "p50 ms", "cosine, least", "same top-1")
WIDTH = 560


def table(example: str, rows: Sequence[Row], note: str = "") -> str:
    """Markdown, the fastest first, with a note below."""
    lines = [f"### {example}", "", _line(HEAD), _line(["---"] * len(HEAD))]
    return "\n".join([*lines, *(_line(_cells(row)) for row in rows), *(["", note] if note else [])]) + "\n"


def _cells(row: Row) -> list[str]:
    if row.reason:
        return [row.name, f"did not run: {row.reason}", *[""] * (len(HEAD) - 2)]
    close = row.agreement
    return [
        row.name,
        _ratio(row.speedup),
        _ratio(row.against_unslow),
        f"{row.latency_ms:.2f}" if row.latency_ms else "",
        f"{close.cosine_least:.4f}" if close else "",
        f"{100 * close.top_1:.0f} %" if close else "",
    ]


def _ratio(estimate: Estimate | None) -> str:
    return interval(estimate) if estimate else ""


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def plot(example: str, rows: Sequence[Row], path: Path) -> None:
    """An interval for each peer that ran, as `.svg` and `.png` beside `path`; nothing if none ran."""
    data = [values for row in rows if (values := _values(row))]
    if not data:
        return
    chart = _chart(example, data)
    for suffix in (".svg", ".png"):
        chart.save(str(path.with_suffix(suffix)), scale_factor=2 if suffix == ".png" else 1)


def _values(row: Row) -> dict[str, Any] | None:
    speed, close = row.speedup, row.agreement
    if row.reason or speed is None or not math.isfinite(speed.high):
        return None
    answers = f"least cosine {close.cosine_least:.3f}" if close else ""
    return {
        "name": row.name,
        "point": speed.point,
        "low": speed.low,
        "high": speed.high,
        "answers": answers,
        "whose": "unslow" if row.name == "unslow" else "by hand",
    }


def _chart(example: str, data: list[dict[str, Any]]) -> Any:
    alt: Any = importlib.import_module("altair")
    order = [values["name"] for values in data]
    base = alt.Chart(alt.Data(values=data)).encode(y=alt.Y("name:N", sort=order, title=None))
    x = alt.X("low:Q", title="times as fast as the original, 95 % interval", scale=alt.Scale(zero=False))
    color = alt.Color(
        "whose:N",
        scale=alt.Scale(domain=["unslow", "by hand"], range=["#0b6e4f", "#5b6470"]),
        title=None,
        legend=alt.Legend(orient="bottom"),
    )
    spans = base.mark_rule(strokeWidth=2.5).encode(x=x, x2="high:Q", color=color)
    points = base.mark_point(filled=True, size=70, opacity=1).encode(x="point:Q", color=color)
    words = base.mark_text(align="left", dx=8, fontSize=10, color="#5b6470").encode(x="high:Q", text="answers:N")
    one = alt.Chart(alt.Data(values=[{"x": 1}])).mark_rule(strokeDash=[4, 3], color="#999").encode(x="x:Q")
    return (one + spans + points + words).properties(width=WIDTH, title=f"{example}: by hand, and by unslow")
