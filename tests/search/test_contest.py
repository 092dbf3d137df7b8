from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fake_bench import Yard
from made import finding, known, made_fix, ran, variant
from unslow.core.events import Event, silent
from unslow.core.heat import Heat
from unslow.core.variant import Applied, Variant
from unslow.measure.bench import Bench
from unslow.measure.heats import Original, Rules
from unslow.runs.journal import Journal
from unslow.search import contest
from unslow.search.contest import MOST_VARIANTS, Raced, race, untried
from unslow.search.space import Known

Result = Callable[[Variant], Heat]
SECONDS = 10.0


class Track:
    """Stands in for heats: each takes `SECONDS` of the bench's clock and ends as the table says."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, folder: Path, table: Result) -> None:
        self.yard, self.folder = Yard({}), folder
        self.bench: Bench = self.yard.bench(folder)
        self.rules: list[Rules] = []
        self.run: list[str] = []
        self.table = table
        monkeypatch.setattr(contest, "heat", self._heat)

    def _heat(self, bench: Bench, original: Original, of: Variant, rules: Rules, *others: Any) -> Heat:
        self.rules.append(rules)
        self.run.append(str(of))
        self.yard.now += SECONDS
        return self.table(of)

    def race(self, what: Known, until: float = 1e6, listener: Any = silent) -> Raced:
        journal = Journal(self.folder / "journal.jsonl")
        return race(self.bench, Original(self.bench), what, journal, until, listener, lambda opened, entry: "")


def by_speed(**speeds: float) -> Result:
    """The product of the speeds of a variant's fixes, as a heat."""
    return lambda of: ran(of, sum(math.log(speeds[applied.name]) for applied in of.fixes))


def test_without_candidates_nothing_is_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    track = Track(monkeypatch, tmp_path, by_speed())
    assert track.race(known(findings=[])) == Raced({}, {})
    assert track.run == []


def test_without_time_nothing_is_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    track = Track(monkeypatch, tmp_path, by_speed(a=2))
    assert track.race(known(made_fix("a")), until=1.0).heats == {}


def test_it_stops_when_time_is_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fixes = [made_fix(name) for name in "abcdef"]
    track = Track(monkeypatch, tmp_path, by_speed(**dict.fromkeys("abcdef", 1.0)))
    track.race(known(*fixes), until=2.4 * SECONDS)
    assert len(track.run) == 2


def test_it_stops_when_nothing_left_can_win(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    # 3× is beyond what the other fix promises, alone (2×), and both are of one slot.
    findings = [finding(share=0.8), finding("small", share=0.5)]
    fixes = [made_fix("a", "runtime"), made_fix("b", "runtime", "small", odds=0.01)]
    track = Track(monkeypatch, tmp_path, by_speed(a=3, b=1.5))
    track.race(known(*fixes, findings=findings))
    assert track.run == ["a"]


def test_what_was_fast_is_built_upon(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    track = Track(monkeypatch, tmp_path, by_speed(a=1.5, b=1.1))
    raced = track.race(known(made_fix("a"), made_fix("b")))
    assert track.run == ["a", "a + b", "b"]
    assert set(raced.intervals) == set(raced.heats)


def test_what_the_time_did_not_suffice_for_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fixes = [made_fix("a", "one", odds=0.9), made_fix("b", "one"), made_fix("dear", "one", build_seconds=40.0)]
    what = known(*fixes)
    track = Track(monkeypatch, tmp_path, by_speed(a=1.1, b=1.2, dear=1.0))
    assert untried(what, track.race(what, until=1.4 * SECONDS)) == ("b", "dear")
    assert untried(what, track.race(what, until=4 * SECONDS)) == ("dear",)
    assert untried(what, track.race(what)) == ()


def test_what_can_no_longer_win_is_not_missed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    what = known(made_fix("a", "one", odds=0.9), made_fix("b", "one"))
    assert untried(what, Track(monkeypatch, tmp_path, by_speed(a=3)).race(what)) == ()


def test_lost_and_failed_heats_never_lead(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def table(of: Variant) -> Heat:
        trouble = {"a": {"lost": "It answers NaN."}, "b": {"failure": "It crashed."}}.get(str(of), {})
        return ran(of, math.log(9) if trouble else math.log(1.1), 30, **trouble)

    fixes = [made_fix("a", "one", odds=0.9), made_fix("b", "one", odds=0.8), made_fix("c", "one"), made_fix("d", "one")]
    track = Track(monkeypatch, tmp_path, table)
    track.race(known(*fixes))
    assert track.run[:2] == ["a", "b"]
    assert set(track.run) == {"a", "b", "c", "d"}
    assert [rules.leader is None for rules in track.rules] == [True, True, True, False]
    assert track.rules[-1].leader is not None and track.rules[-1].leader.point == pytest.approx(1.1)


def test_a_heat_too_short_to_be_bounded_does_not_lead(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    track = Track(monkeypatch, tmp_path, lambda of: ran(of, -3.0, 8))
    track.race(known(made_fix("a", "one"), made_fix("b", "one")))
    assert [rules.leader for rules in track.rules] == [None, None]


def test_a_heat_is_told_what_it_is_put_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    track = Track(monkeypatch, tmp_path, by_speed(a=1.5, b=1.1))
    raced = track.race(known(made_fix("a"), made_fix("b")))
    assert track.run == ["a", "a + b", "b"]
    assert [rules.below for rules in track.rules] == [None, raced.heats[variant("a").id].workload, None]


def test_heats_in_the_journal_are_not_run_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    what = known(made_fix("a"), made_fix("b"))
    first = Track(monkeypatch, tmp_path, by_speed(a=1.5, b=1.1))
    first.race(what, until=1.4 * SECONDS)
    second = Track(monkeypatch, tmp_path, by_speed(a=1.5, b=1.1))
    raced = second.race(what)
    assert len(first.run) == 1 and len(second.run) == 2
    assert not set(first.run) & set(second.run)
    assert [str(heat.variant) for heat in raced.heats.values()] == first.run + second.run


def test_each_heat_is_in_the_journal_before_the_next_begins(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    kept: list[int] = []

    def table(of: Variant) -> Heat:
        kept.append(len(Journal(tmp_path / "journal.jsonl").all("heat", Heat)))
        return ran(of, 0.01)

    Track(monkeypatch, tmp_path, table).race(known(made_fix("a", "one"), made_fix("b", "one")))
    assert kept == [0, 1]


def test_there_are_never_more_variants_than_share_the_error_rate(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fix = made_fix("threads", space=[{"threads": number} for number in range(200)])
    track = Track(monkeypatch, tmp_path, lambda of: ran(of, 0.05))
    what = known(fix)
    track.race(what)
    assert len(track.run) == MOST_VARIANTS
    assert {rules.alpha for rules in track.rules} == {what.options.alpha / MOST_VARIANTS}


def test_each_finished_heat_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    told: list[Event] = []
    Track(monkeypatch, tmp_path, by_speed(a=1.5)).race(known(made_fix("a")), until=100.0, listener=told.append)
    assert [(event.stage, event.trial) for event in told] == [("race", variant("a").id)]
    assert isinstance(told[0].payload, Heat)


def test_a_failed_fix_is_set_otherwise_after_what_is_likelier(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    space = ({"exporter": "program"}, {"exporter": "trace"})

    def table(of: Variant) -> Heat:
        return Heat(of, failure="The exporter raised.") if of.fixes[0] == Applied("a", space[0]) else ran(of, 0.01)

    track = Track(monkeypatch, tmp_path, table)
    track.race(known(made_fix("a", "one", space=space, odds=0.6), made_fix("b", "one", odds=0.4)))
    assert track.run == ["a(exporter=program)", "b", "a(exporter=trace)"]
