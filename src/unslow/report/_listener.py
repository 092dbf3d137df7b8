"""Shows a run while it goes on: the picture changes only when an event arrives, at most 4 times a second.

The process that shows it is the one that drives the turns, so no thread refreshes it and nothing is drawn in between.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import final

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from unslow.core import units
from unslow.core.estimate import Estimate
from unslow.core.events import Event
from unslow.core.trial import Speedup, Trial
from unslow.report import _words as words
from unslow.report._bars import Axis, interval_bar
from unslow.report._text import plain

LEAST_BETWEEN_PICTURES_S = 0.25
LEAST_BETWEEN_LINES_S = 10.0
"""A log that is no terminal gets one line per stage and per finished trial, and else one in this time."""
MOST_TRACKED = 200
NAME = 60

STAGES = {
    "survey": "Looking at the workload",
    "profile": "Profiling",
    "findings": "Diagnosing",
    "build": "Building",
    "race": "Racing",
    "guard": "Checking the outputs",
    "finals": "Finals",
    "bundle": "Writing the bundle",
    "report": "Writing the report",
    "note": "Note",
}


@dataclass(frozen=True)
class _Runner:
    """A trial in the race, as far as it was told of."""

    name: str
    interval: Estimate | None = None
    pairs: int = 0


@final
class TerminalListener:
    """A context manager that is called with each event.

    On a terminal: a picture of a few lines, gone at the end, with finished trials above it. Elsewhere: plain lines.
    Colours are the console's matter (`NO_COLOR`). `budget_s` is shown until an event says what is
    left; `clock` is in seconds.
    """

    def __init__(
        self, console: Console, budget_s: float | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._console = console
        self._clock = clock
        self._left_s = budget_s
        self._runners: dict[str, _Runner] = {}
        self._now: Event | None = None
        self._drawn_s = -math.inf
        self._last_line = ""
        self._live = Live(console=console, auto_refresh=False, transient=True) if console.is_terminal else None

    def __enter__(self) -> TerminalListener:
        if self._live:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live:
            self._live.update(Text(), refresh=False)
            self._live.stop()

    def __call__(self, event: Event) -> None:
        """Take note of an event, and show it if there is reason to."""
        new_stage = self._now is None or event.stage != self._now.stage
        if event.left_s is not None:
            self._left_s = event.left_s
        self._follow(event)
        if event.stage != "note":
            self._now = event
        if isinstance(event.payload, Trial) or event.stage == "note":
            self._print(finished_line(event))
        elif not self._live and (new_stage or self._due(LEAST_BETWEEN_LINES_S)):
            self._print(self._plain_line(event))
        if self._live and (new_stage or self._due(LEAST_BETWEEN_PICTURES_S)):
            self._drawn_s = self._clock()
            self._live.update(self.picture(), refresh=True)

    def _due(self, least_s: float) -> bool:
        return self._clock() - self._drawn_s >= least_s

    def _print(self, line: Text) -> None:
        """A line that stays; the same one twice in a row says nothing new."""
        if line.plain == self._last_line:
            return
        self._last_line = line.plain
        if not self._live:
            self._drawn_s = self._clock()
        self._console.print(line, soft_wrap=True)

    def _follow(self, event: Event) -> None:
        if not event.trial:
            return
        known = self._runners.get(event.trial)
        if known is None and len(self._runners) >= MOST_TRACKED:
            return
        name = _name_in(event) or (known.name if known else plain(event.text, NAME) or plain(event.trial, NAME))
        interval = event.interval or (known.interval if known else None)
        self._runners[event.trial] = _Runner(name, interval, event.pairs or (known.pairs if known else 0))
        if isinstance(event.payload, Trial) and _is_out(event.payload):
            del self._runners[event.trial]

    def leader(self) -> _Runner | None:
        """Who is ahead for sure: the highest lower end, if it is above 1."""
        known = [runner for runner in self._runners.values() if runner.interval and runner.interval.low > 1]
        return max(known, key=lambda runner: runner.interval.low if runner.interval else 0.0, default=None)

    def picture(self) -> RenderableType:
        """What is being done, what is tried now, who leads, and what is left of the budget."""
        event = self._now
        if event is None:
            return Text()
        lines = [self._stage_line(event)]
        running = self._runners.get(event.trial) if event.trial else None
        leader = self.leader()
        axis = Axis.of(_speed(runner) for runner in (running, leader) if runner)
        if running and running.interval:
            lines.append(_runner_line("  now    ", running, axis, self._console))
        if leader and leader != running:
            lines.append(_runner_line("  leader ", leader, axis, self._console))
        return Group(*lines)

    def _stage_line(self, event: Event) -> Text:
        text = Text(no_wrap=True, overflow="ellipsis").append(STAGES[event.stage], style="bold")
        if event.text:
            text.append(f"  {plain(event.text, 200)}")
        return text.append(self._left(), style="dim")

    def _plain_line(self, event: Event) -> Text:
        text = self._stage_line(event)
        if event.interval:
            text.append(f"  {units.interval(event.interval)}, {event.pairs} pairs")
        leader = self.leader()
        if leader and leader.interval:
            text.append(f"  (leader: {leader.name}, {units.interval(leader.interval)})")
        return text

    def _left(self) -> str:
        return "" if self._left_s is None else f"  [{duration(max(0.0, self._left_s))} left]"


def duration(value_s: float) -> str:
    """Whole seconds as people count them: "4:05 min", "12 s"."""
    if not math.isfinite(value_s):
        return "∞"
    minutes, rest = divmod(round(value_s), 60)
    return f"{minutes}:{rest:02d} min" if minutes else f"{rest} s"


def finished_line(event: Event) -> Text:
    """What stays on the screen of a finished trial, or of a note."""
    trial = event.payload
    if not isinstance(trial, Trial):
        return Text(f"Note: {plain(event.text, 400)}")
    style = {"faster": "green", "slower": "red", "failed": "red", "undecided": "yellow"}.get(trial.verdict, "")
    text = Text.assemble((f"{words.MARKS[trial.verdict]} ", style), words.name_of(trial, NAME))
    if trial.speedup:
        text.append(f"  {words.speedup_text(trial.speedup)}")
    text.append(f"  {trial.verdict}", style=style)
    if trial.outputs:
        text.append(f", outputs {trial.outputs.verdict}")
    return text.append(f": {plain(trial.reason, 200)}", style="dim") if trial.reason else text


def _is_out(trial: Trial) -> bool:
    """Whether it cannot lead any more."""
    lost = trial.outputs is not None and trial.outputs.verdict == "lost"
    return lost or trial.verdict in ("failed", "slower", "same")


def _name_in(event: Event) -> str:
    """The name of the variant that the event's payload is about, if it has one."""
    variant = event.payload if isinstance(event.payload, Trial) else getattr(event.payload, "variant", None)
    return plain(variant, NAME) if variant is not None else ""


def _speed(runner: _Runner) -> Speedup | None:
    seen = runner.interval
    return Speedup(seen.point, seen.low, seen.high, seen.level, seen.n, 0) if seen else None


def _runner_line(label: str, runner: _Runner, axis: Axis, console: Console) -> Text:
    text = Text(no_wrap=True, overflow="ellipsis").append(label, style="dim")
    text.append_text(interval_bar(_speed(runner), axis, "cyan", console.options.ascii_only))
    shown = units.interval(runner.interval) if runner.interval else ""
    text.append(f"  {shown}  {runner.name}")
    return text.append(f"  {runner.pairs} pairs" if runner.pairs else "", style="dim")
