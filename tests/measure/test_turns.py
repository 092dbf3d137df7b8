from __future__ import annotations

import itertools
import math

import pytest

from fakes import FakeProcess
from unslow.measure.turns import Side, Turn, TurnPair, timeout_of, turn_length, turn_pairs, warm_up


def pairs_of(a: FakeProcess, b: FakeProcess, n: int, seed: int = 0) -> list[TurnPair]:
    return list(itertools.islice(turn_pairs(Side(a, 0.01), Side(b, 0.005), seed), n))


def test_a_turn_has_three_steps_where_steps_are_long() -> None:
    assert turn_length(Side(FakeProcess(1), 1.0), Side(FakeProcess(1), 0.5)) == 3


def test_a_turn_lasts_forty_ms_on_the_faster_side() -> None:
    assert turn_length(Side(FakeProcess(1), 0.01), Side(FakeProcess(1), 0.001)) == 40


def test_a_turn_is_a_multiple_of_what_meets_either_model_together() -> None:
    assert turn_length(Side(FakeProcess(1), 1.0, 4), Side(FakeProcess(1), 1.0, 6)) == 12


def test_both_sides_answer_the_same_requests() -> None:
    diary: list[str] = []
    pairs_of(FakeProcess(0.01, diary), FakeProcess(0.01, diary), 5)
    assert [diary[index] for index in range(0, 10, 2)] == [diary[index] for index in range(1, 10, 2)]


def test_the_next_pair_goes_on_where_the_last_one_ended() -> None:
    diary: list[str] = []
    pairs_of(FakeProcess(0.01, diary), FakeProcess(0.01, diary), 3)
    assert diary[::2] == ["turn:1+8", "turn:9+8", "turn:17+8"]


def test_the_order_within_pairs_is_a_fair_seeded_coin() -> None:
    diary: list[str] = []
    pairs_of(FakeProcess(0.01, diary, "a "), FakeProcess(0.01, diary, "b "), 400)
    first = [entry.startswith("a") for entry in diary[::2]]
    assert 150 < sum(first) < 250
    again: list[str] = []
    pairs_of(FakeProcess(0.01, again, "a "), FakeProcess(0.01, again, "b "), 400)
    assert diary == again


def test_a_side_sleeps_again_even_where_its_turn_fails() -> None:
    process = FakeProcess(lambda turn: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        Side(process, 0.01).turn(1, 3, 0.03)
    assert process.asleep


def test_the_ratio_is_of_wall_time_and_for_cost_of_cpu_time() -> None:
    pair = TurnPair(Turn(2.0, 1.0, 4, ()), Turn(1.0, 2.0, 4, ()))
    assert pair.log_ratio("latency") == pytest.approx(math.log(2))
    assert pair.log_ratio("throughput") == pytest.approx(math.log(2))
    assert pair.log_ratio("cost") == pytest.approx(-math.log(2))


def test_a_slower_turn_hangs_only_far_beyond_what_it_should_take() -> None:
    assert timeout_of(0.1) > 20
    assert timeout_of(10) > 300


def test_warm_up_goes_on_while_turns_get_faster_and_ends_asleep() -> None:
    process = FakeProcess(lambda turn: 0.01 + 0.1 * math.exp(-turn / 4))
    side = warm_up(process, 1, 0.1, 1e9, lambda: 0.0)
    assert process.asleep
    assert process.turns > 12
    assert side.seconds == pytest.approx(0.01, rel=0.2)


def test_warm_up_gives_up_when_its_time_is_over() -> None:
    ticks = itertools.count(0.0, 1.0)
    process = FakeProcess(lambda turn: 1.0 / (turn + 1))
    warm_up(process, 1, 0.1, 5.0, lambda: next(ticks))
    assert process.turns <= 7


def test_a_warm_up_that_was_cut_short_while_turns_got_faster_is_told_of() -> None:
    ticks = itertools.count(0.0, 1.0)
    assert warm_up(FakeProcess(lambda turn: 1.0 / (turn + 1)), 1, 0.1, 8.0, lambda: next(ticks)).still_warming


@pytest.mark.parametrize(
    "seconds", [lambda turn: 0.3 + 0.001 * (turn % 2), lambda turn: 0.3 + 0.01 * turn, lambda turn: 0.3 - 0.0001 * turn]
)
def test_a_warm_up_without_time_is_not_told_of_where_turns_do_not_get_faster(seconds: object) -> None:
    ticks = itertools.count(0.0, 1.0)
    assert not warm_up(FakeProcess(seconds), 1, 0.3, 7.0, lambda: next(ticks)).still_warming


def test_a_warm_up_that_ends_by_itself_is_not_told_of() -> None:
    process = FakeProcess(lambda turn: 0.01 + 0.1 * math.exp(-turn / 4))
    assert not warm_up(process, 1, 0.1, 1e9, lambda: 0.0).still_warming
