"""What the drawings of a profile share: text from outside escaped, columns as one path a colour, a legend."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import numpy as np
from markupsafe import Markup, escape
from numpy.typing import NDArray

from unslow.core import units
from unslow.report._text import plain

WIDTH: Final = 880
KIND_CLASSES = {"kernel": "compute", "copy": "transfer", "fill": "setup", "communication": "communication"}
KIND_NAMES = {"kernel": "kernels", "copy": "copies", "fill": "fills", "communication": "communication"}


def ms(value_ns: float) -> str:
    return units.seconds(value_ns / 1e9)


def words(text: object, most: int = 0) -> Markup:
    """Text from outside, as it may stand in an element or in quotes."""
    return escape(plain(text, most))


def svg(height: float, label: str, body: Iterable[str], css: str) -> Markup:
    """A drawing that says what it is to those who cannot see it."""
    head = f'<svg class="{css}" role="img" aria-label="{words(label)}" viewBox="0 0 {WIDTH} {height:.0f}">'
    return Markup("".join((head, *body, "</svg>")))


def text(x: float, y: float, shown: str, anchor: str = "start") -> str:
    at = "" if anchor == "start" else f' text-anchor="{anchor}"'
    return f'<text x="{x:.1f}" y="{y:.1f}"{at}>{words(shown)}</text>'


def columns(edges_x: NDArray[np.float64], low: Sequence[float], high: Sequence[float], top: float, tall: float) -> str:
    """The path of one colour: in each column from `low` to `high` (0 to 1, from below); equal neighbours are one."""
    pieces: list[str] = []
    at = [round(x, 1) for x in edges_x.tolist()]
    begun = 0
    for place in range(1, len(low) + 1):
        if place < len(low) and (low[place], high[place]) == (low[begun], high[begun]):
            continue
        if high[begun] > low[begun]:
            wide = at[place] - at[begun]
            y, height = top + tall * (1 - high[begun]), tall * (high[begun] - low[begun])
            pieces.append(f"M{at[begun]:g} {y:.1f}h{wide:.1f}v{height:.1f}h-{wide:.1f}z")
        begun = place
    return "".join(pieces)


def stacked(
    edges_x: NDArray[np.float64], parts: Mapping[str, NDArray[np.int64]], lengths: NDArray[np.int64]
) -> dict[str, tuple[list[float], list[float]]]:
    """Of each part, where its piece of each column begins and ends, from 0 to 1, the parts on top of each other."""
    below = np.zeros(len(edges_x) - 1)
    found: dict[str, tuple[list[float], list[float]]] = {}
    for name, part in parts.items():
        above = below + part / np.maximum(lengths, 1)
        found[name] = ([round(x, 2) for x in below.tolist()], [round(x, 2) for x in above.tolist()])
        below = above
    return found


def legend(names: Iterable[tuple[str, str]]) -> Markup:
    """`(class, name)` each."""
    items = "".join(f'<li><i class="c-{css}"></i>{words(name)}</li>' for css, name in names)
    return Markup(f'<ul class="legend">{items}</ul>')
