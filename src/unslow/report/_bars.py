"""Small pictures in text: an interval on a log axis, and a share as a bar."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from rich.text import Text

from unslow.core.trial import Speedup
from unslow.report._words import known

WIDTH = 27
_LEAST_SPAN = math.log(1.25)
"""An axis that shows less than a quarter around 1 would make noise look like news."""
_ROOM = 1.15
"""Room right of a point whose interval has no end, so that the arrow is seen."""
_FURTHEST = math.log(100.0)
_BLOCKS = " ▏▎▍▌▋▊▉█"


@dataclass(frozen=True)
class Marks:
    """The characters of a picture; `PLAIN` where the terminal has ASCII only."""

    line: str
    point: str
    one: str
    left: str
    right: str


FANCY = Marks("━", "●", "┊", "◀", "▶")
PLAIN = Marks("-", "o", "|", "<", ">")


@dataclass(frozen=True)
class Axis:
    """A logarithmic axis of speed-ups over `width` cells, 1 always on it."""

    low: float
    high: float
    width: int = WIDTH

    @staticmethod
    def of(speeds: Iterable[Speedup | None], width: int = WIDTH) -> Axis:
        """Wide enough for every bound that is known."""
        ends = [end for speed in speeds if known(speed) for end in (speed.low, speed.point * _ROOM, speed.high)]
        logs = [math.log(value) for value in ends if math.isfinite(value) and value > 0]
        shown = [value for value in logs if abs(value) <= _FURTHEST]
        low, high = min([*shown, -_LEAST_SPAN / 2]), max([*shown, _LEAST_SPAN])
        return Axis(low, high, width)

    def cell(self, value: float) -> int:
        """The cell of a speed-up; those beyond the axis are at its ends."""
        place = -math.inf if value <= 0 else (math.inf if math.isinf(value) else math.log(value))
        inside = min(max(place, self.low), self.high)
        return round((inside - self.low) / (self.high - self.low) * (self.width - 1))

    def beyond(self, value: float) -> bool:
        """Whether it lies off the axis."""
        return value <= 0 or math.isinf(value) or not self.low - 1e-9 <= math.log(value) <= self.high + 1e-9


def interval_bar(speed: Speedup | None, axis: Axis, style: str, ascii_only: bool = False) -> Text:
    """`━━●━━` where the interval lies, `┊` at 1, an arrow where it goes on beyond the axis."""
    if not known(speed):
        return Text(" " * axis.width)
    marks = PLAIN if ascii_only else FANCY
    first, last, one = axis.cell(speed.low), axis.cell(speed.high), axis.cell(1.0)
    cells = [" "] * axis.width
    cells[one] = marks.one
    cells[first : last + 1] = [marks.line] * (last + 1 - first)
    if axis.beyond(speed.low):
        cells[first] = marks.left
    if axis.beyond(speed.high):
        cells[last] = marks.right
    cells[min(max(axis.cell(speed.point), first), last)] = marks.point
    text = Text("".join(cells), no_wrap=True)
    text.stylize(style, first, last + 1)
    if not first <= one <= last:
        text.stylize("dim", one, one + 1)
    return text


def share_bar(share: float, style: str, width: int = 24, ascii_only: bool = False) -> Text:
    """A bar whose length is the share; eighths of a cell where the terminal can show them."""
    known = 0.0 if math.isnan(share) else min(max(share, 0.0), 1.0)
    if ascii_only:
        return Text(("#" * round(known * width)).ljust(width), style=style, no_wrap=True)
    whole, eighths = divmod(round(known * width * 8), 8)
    bar = "█" * whole + (_BLOCKS[eighths] if eighths else "")
    return Text(bar.ljust(width), style=style, no_wrap=True)
