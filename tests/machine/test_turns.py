from __future__ import annotations

import statistics
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unslow.machine._turns import HOPELESS_PAIRS, PAIRS, best, optimistic, ratios_in_turns, seconds_per_call


class FakeTime:
    """A clock that only calls move, and a journal of which was called."""

    def __init__(self) -> None:
        self.now = 0.0
        self.journal = ""

    def clock(self) -> float:
        return self.now

    def call(self, name: str, *seconds: float) -> Callable[[], None]:
        """A call that takes these times in turn, the last one ever after."""
        left = list(seconds)

        def body() -> None:
            self.now += left.pop(0) if len(left) > 1 else left[0]
            self.journal += name

        return body


def test_a_turn_has_five_calls_though_one_is_long_enough() -> None:
    time = FakeTime()
    assert seconds_per_call(time.call("a", 1.0), time.clock) == pytest.approx(1.0)
    assert time.journal == "aaaaa"


def test_a_turn_of_tiny_calls_lasts() -> None:
    time = FakeTime()
    seconds_per_call(time.call("a", 0.0001), time.clock, turn_seconds=0.004)
    assert 40 <= len(time.journal) <= 41


def test_what_disturbs_one_call_does_not_count() -> None:
    time = FakeTime()
    assert seconds_per_call(time.call("a", 0.5, 9.0, 0.5), time.clock) == pytest.approx(0.5)


def test_the_mean_counts_it() -> None:
    time = FakeTime()
    taken = seconds_per_call(time.call("a", 0.5, 3.0, 0.5), time.clock, reduce=statistics.fmean)
    assert taken == pytest.approx(1.0)


def test_ratios_are_of_changed_to_original_per_row() -> None:
    time = FakeTime()
    ratios = ratios_in_turns(time.call("c", 1.0), time.call("o", 0.5), pairs=3, rows=4, clock=time.clock)
    assert ratios == pytest.approx([0.5, 0.5, 0.5])


def test_the_order_swaps_from_pair_to_pair() -> None:
    time = FakeTime()
    ratios_in_turns(time.call("c", 1.0), time.call("o", 1.0), pairs=3, clock=time.clock)
    assert time.journal[::5] == "co" + "oc" + "co" + "oc"


def test_the_optimistic_end_of_nine_is_the_second_smallest() -> None:
    assert optimistic([9, 8, 7, 6, 5, 4, 3, 2, 1]) == 2


@pytest.mark.parametrize(("count", "smallest"), [(1, 1), (5, 1), (6, 1), (8, 1), (9, 2), (11, 2), (12, 3), (20, 6)])
def test_the_rank_is_that_of_the_sign_interval(count: int, smallest: int) -> None:
    # Conover, table A3 / D'Agostino: the order statistics of a median's 95 % interval.
    assert optimistic([float(value) for value in range(1, count + 1)]) == smallest


def test_no_ratios_have_no_end() -> None:
    with pytest.raises(ValueError, match="no ratios"):
        optimistic([])


@given(st.lists(st.floats(0.01, 100), min_size=1, max_size=40))
def test_the_optimistic_end_is_a_measured_one_and_not_above_the_median(ratios: list[float]) -> None:
    assert optimistic(ratios) in ratios
    assert optimistic(ratios) <= statistics.median(ratios) * (1 + 1e-12)


def test_the_best_of_several_kernels_is_the_one_that_gains_most() -> None:
    assert best([0.9] * 9, [0.4] * 9, [0.1] + [0.8] * 8) == [0.4] * 9


def test_what_doubles_the_time_is_not_measured_to_the_end() -> None:
    time = FakeTime()
    assert len(ratios_in_turns(time.call("c", 2.1), time.call("o", 1.0), clock=time.clock)) == HOPELESS_PAIRS
    assert len(ratios_in_turns(time.call("c", 1.9), time.call("o", 1.0), clock=time.clock)) == PAIRS
