"""What changed between two recordings, in words and in rows: for a terminal and for a page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from unslow.core import units
from unslow.core.difference import Change, Difference
from unslow.report._text import plain

MOST = 15


@dataclass(frozen=True)
class Shown:
    """A row as text. `mark` is "new" or "gone"; `css` the class of the difference's colour."""

    name: str
    category: str
    before: str
    after: str
    change: str
    mark: str
    css: str


def said_of(difference: Difference) -> str:
    """The difference of a step in one sentence."""
    step = difference.step
    if not step.before_ms or not step.after_ms:
        return "The two cannot be held against each other."
    ratio = step.after_ms / step.before_ms
    size = "the same" if ratio == 1 else f"{units.share(abs(ratio - 1))} {'less' if ratio < 1 else 'more'}"
    both = f"{_ms(step.after_ms)} a step, against {_ms(step.before_ms)}"
    return f"{both}: {size}{'' if difference.comparable else ', but not comparable'}"


def figures_of(difference: Difference) -> list[Shown]:
    """The step and each category."""
    whole = _shown(difference.step, "the whole step")
    return [whole, *(_shown(change, change.category or "") for change in difference.categories)]


def changes_of(difference: Difference, most: int = MOST) -> list[Shown]:
    """The names whose time changed most."""
    return [_shown(change, change.name) for change in difference.names[:most]]


def _shown(change: Change, name: str) -> Shown:
    mark = "new" if change.before_ms is None else "gone" if change.after_ms is None else ""
    worse = change.difference_ms > 0
    css = ("bad" if worse else "good") if change.difference_ms else ""
    both = (_ms(change.before_ms), _ms(change.after_ms))
    return Shown(plain(name, 200), change.category or "", *both, _signed(change.difference_ms), mark, css)


def _ms(value: float | None) -> str:
    return "–" if value is None else units.seconds(value / 1e3)


def _signed(value_ms: float) -> str:
    return f"{'+' if value_ms > 0 else '−' if value_ms < 0 else ''}{units.seconds(abs(value_ms) / 1e3)}"


def difference_view(difference: Difference) -> RenderableType:
    """One screen: a step, its categories, and the names that changed most."""
    head = Text(said_of(difference), style="bold")
    about = Text(f"against {plain(difference.before, 80)}", style="dim")
    left = len(difference.names) - MOST
    more = [Text(f"… and {left:,} names more: --json has them all.", style="dim")] if left > 0 else []
    notes = [Text(f"Note: {plain(note, 400)}", style="dim") for note in difference.notes]
    figures = _table("of a step", figures_of(difference))
    return Group(
        head, about, Text(), figures, Text(), _table("own time by name", changes_of(difference)), *more, Text(), *notes
    )


def _table(heading: str, rows: Sequence[Shown]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column(heading)  # The only one that gives way: rich would else cut the numbers too.
    table.add_column("", no_wrap=True)
    for name in ("against", "now", "difference"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        style = {"bad": "red", "good": "green"}.get(row.css, "")
        beside = row.mark or ("" if row.category == row.name else row.category)
        table.add_row(
            Text(row.name, no_wrap=True, overflow="ellipsis"),
            Text(beside, style="dim"),
            row.before,
            row.after,
            Text(row.change, style=style),
        )
    return table
