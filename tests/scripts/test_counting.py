"""Steps of larger batches, counted by their samples."""

from __future__ import annotations

import pytest

from unslow.scripts.counting import EXACT_STEPS, Counting


@pytest.mark.parametrize("together", [1, 12])
def test_a_script_as_it_is_counts_its_own_steps(together: int) -> None:
    counting = Counting(together, period=12)
    assert counting.granularity == together and counting.own(36) == 36


@pytest.mark.parametrize("period", [0, 12, EXACT_STEPS * 4 + 1])
def test_epochs_that_are_filled_or_long_need_no_whole_ones(period: int) -> None:
    counting = Counting(1, 4, period)
    assert counting.granularity == 4 and counting.own(12) == 3


def test_an_epochs_last_step_is_smaller() -> None:
    counting = Counting(1, 4, 10)  # 4, 4 and 2
    assert counting.granularity == 10 and counting.own(10) == 3 and counting.own(20) == 6


def test_turns_of_whole_epochs_stay_so() -> None:
    counting = Counting(10, 4, 10)
    assert counting.granularity == 10 and counting.own(30) == 9


def test_a_turn_that_holds_an_evaluation_is_of_whole_larger_steps_too() -> None:
    counting = Counting(together=10, times=4, period=94)
    assert counting.granularity == 20 and counting.own(20) == 5
