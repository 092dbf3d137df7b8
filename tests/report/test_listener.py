"""The listener under a clock that the test moves: what it shows, and how seldom."""

from __future__ import annotations

import io
import math
from typing import Any

import pytest
from rich.console import Console
from tests.report import build

from unslow.core.estimate import Estimate
from unslow.core.events import Event
from unslow.report._listener import LEAST_BETWEEN_LINES_S, LEAST_BETWEEN_PICTURES_S, duration
from unslow.report.terminal import TerminalListener


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def console(terminal: bool, **options: Any) -> Console:
    return Console(file=io.StringIO(), force_terminal=terminal, width=100, **options)


def text_of(target: Console) -> str:
    file = target.file
    assert isinstance(file, io.StringIO)
    return file.getvalue()


def pair(n: int, trial: str = "a", low: float = 1.5) -> Event:
    return Event("race", "onnxruntime", trial, Estimate(2.0, low, 3.0, 0.95, n), n, left_s=200.0 - n)


def test_a_log_is_not_flooded() -> None:
    clock, target = Clock(), console(terminal=False)
    with TerminalListener(target, 300, clock) as listener:
        for n in range(1000):
            clock.now_s += LEAST_BETWEEN_LINES_S / 100
            listener(pair(n))
    assert 9 <= len(text_of(target).splitlines()) <= 12


def test_a_terminal_is_drawn_at_most_four_times_a_second() -> None:
    clock, target = Clock(), console(terminal=True)
    with TerminalListener(target, 300, clock) as listener:
        for n in range(1000):
            clock.now_s += LEAST_BETWEEN_PICTURES_S / 100
            listener(pair(n))
    assert 9 <= text_of(target).count("pairs") <= 12


def test_no_thread_is_started() -> None:
    import threading

    before = threading.active_count()
    with TerminalListener(console(terminal=True)) as listener:
        listener(pair(1))
        assert threading.active_count() == before


def test_a_log_has_no_escapes() -> None:
    target = console(terminal=False)
    with TerminalListener(target, 300, Clock()) as listener:
        for trial in build.trials():
            listener(Event("race", "done", trial.id, payload=trial))
    assert "\x1b" not in text_of(target)
    assert "No C++ compiler was found." in text_of(target)


def test_no_color_is_respected_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    target = console(terminal=True)
    with TerminalListener(target, 300, Clock()) as listener:
        listener(Event("race", "done", "x", payload=build.trials()[1]))
    assert not [code for code in ("\x1b[31m", "\x1b[32m", "\x1b[36m") if code in text_of(target)]


def test_each_stage_each_trial_and_each_note_has_its_line_at_once() -> None:
    target = console(terminal=False)
    with TerminalListener(target, 300, Clock()) as listener:
        listener(Event("survey", "building it"))
        listener(Event("profile", "recording"))
        listener(Event("note", "the machine is busy"))
        listener(Event("note", "the machine is busy"))
    lines = text_of(target).splitlines()
    assert [line.split("  ")[0] for line in lines] == [
        "Looking at the workload",
        "Profiling",
        "Note: the machine is busy",
    ]
    assert "[5:00 min left]" in lines[0]


def test_the_leader_is_who_is_surely_ahead() -> None:
    listener = TerminalListener(console(terminal=False), clock=Clock())
    listener(pair(1, "a", low=0.0))
    assert listener.leader() is None
    listener(pair(9, "b", low=1.2))
    listener(pair(9, "c", low=1.4))
    leader = listener.leader()
    assert leader is not None and leader.interval is not None and leader.interval.low == 1.4


def test_a_variant_whose_outputs_are_lost_leads_no_more() -> None:
    listener = TerminalListener(console(terminal=False), clock=Clock())
    lost = build.trials()[3]
    listener(pair(9, lost.id))
    assert listener.leader() is not None
    listener(Event("guard", "done", lost.id, payload=lost))
    assert listener.leader() is None


def test_hostile_and_unbounded_events_are_shown() -> None:
    target = console(terminal=True)
    with TerminalListener(target, math.inf, Clock()) as listener:
        wide = Estimate(1.0, -math.inf, math.inf, 0.95, 0)
        listener(Event("race", build.HOSTILE, build.HOSTILE, wide, 1, payload=build.hostile().trials[1]))
        listener(Event("note", build.HOSTILE))
    assert "\x1b[31mevil" not in text_of(target) and "\u202e" not in text_of(target)


@pytest.mark.parametrize(
    ("value_s", "said"), [(0.0, "0 s"), (59.4, "59 s"), (245.0, "4:05 min"), (math.inf, "∞"), (math.nan, "∞")]
)
def test_durations_are_told_as_people_count_them(value_s: float, said: str) -> None:
    assert duration(value_s) == said
