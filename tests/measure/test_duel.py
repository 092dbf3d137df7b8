from __future__ import annotations

from functools import partial

import pytest

from fake_bench import Script, Yard, dies, interrupted
from unslow.core.errors import WorkerFailed
from unslow.core.estimate import verdict_of
from unslow.core.events import Event, silent
from unslow.core.options import Options
from unslow.measure.duel import MOST_RACE_PAIRS, SIZING_ALPHA, Fought, duel
from unslow.measure.finals import TURN_PAIRS_PER_PROCESS, TURN_PAIRS_WHEN_CLEAR
from unslow.measure.race import pairs_needed

OPTIONS = Options()


def fought(a: Script, b: Script, listener: object = None, options: Options = OPTIONS) -> Fought:
    yard = Yard({"a": a, "b": b})
    told = listener if callable(listener) else silent
    try:
        return duel(partial(yard.open_now, "a"), partial(yard.open_now, "b"), options, told)
    finally:
        assert yard.open_workers == []


@pytest.mark.parametrize("where", ["a", "b"])
@pytest.mark.parametrize(
    "script", [Script(fails={"open": dies}), Script(fails_at_turn=5), Script(fails_at_turn=5, failing_process=2)]
)
def test_whoever_dies_ends_the_duel_and_nothing_stays_open(where: str, script: Script) -> None:
    sides = {"a": Script(), "b": Script()} | {where: script}
    with pytest.raises(WorkerFailed):
        fought(sides["a"], sides["b"])


def test_an_interrupt_goes_through_and_leaves_nothing_open() -> None:
    with pytest.raises(KeyboardInterrupt):
        fought(Script(), Script(fails_at_turn=9, failure=interrupted))


@pytest.mark.parametrize(
    ("seconds", "verdict", "rounds", "turns"),
    [
        (0.01, "same", 8, TURN_PAIRS_PER_PROCESS),
        (0.0096, "faster", 8, TURN_PAIRS_PER_PROCESS),
        (0.005, "faster", 3, TURN_PAIRS_WHEN_CLEAR),
        (0.03, "slower", 3, TURN_PAIRS_WHEN_CLEAR),
    ],
)
def test_the_verdict_and_how_much_it_takes(seconds: float, verdict: str, rounds: int, turns: int) -> None:
    result = fought(Script(0.01), Script(seconds))
    assert verdict_of(result.estimate(OPTIONS), OPTIONS.noise) == verdict
    assert len(result.rounds) == rounds
    assert {len(pairs) for pairs in result.rounds} == {turns}


def test_the_pair_of_processes_that_was_looked_at_often_is_not_in_the_interval() -> None:
    lucky = Script(0.01, effect=(-0.5, *[0.0] * 20))
    result = fought(Script(0.01), lucky)
    assert result.estimate(OPTIONS).point == pytest.approx(1, abs=0.01)
    assert len(result.race) >= pairs_needed(SIZING_ALPHA)


def test_the_first_pair_ends_when_it_is_clear_or_after_a_while() -> None:
    assert len(fought(Script(0.01), Script(0.005)).race) == pairs_needed(SIZING_ALPHA)
    unclear = fought(Script(0.01), Script(0.01 / 1.2, jitter=0.03))
    assert len(unclear.race) == MOST_RACE_PAIRS


def test_cost_is_judged_by_cpu_seconds() -> None:
    result = fought(Script(0.01), Script(0.005), options=Options(objective="cost"))
    assert result.estimate(Options(objective="cost")).point == pytest.approx(2, rel=0.02)


def test_peaks_and_setups_are_of_each_side_and_rounds_are_told() -> None:
    told: list[Event] = []
    result = fought(Script(0.01), Script(0.005), told.append)
    assert result.peak_memory_bytes == (1004, 1004)
    assert result.setup_s == (1.0, 1.0)
    assert [event.pairs for event in told if event.stage == "finals"] == [1, 2, 3]
