"""Launches without a record, by what names both."""

from __future__ import annotations

import pytest

from unslow.read._lost import LEAST_LAUNCHES, lost_part


def launches(count: int) -> dict[int, int]:
    return {number: 10 * number for number in range(count)}


def test_none_is_lost() -> None:
    assert lost_part(launches(40), set(range(40))) == 0


def test_nothing_is_known_of_a_device_that_was_not_recorded_and_of_a_few_launches() -> None:
    assert lost_part(launches(40), {99}) == lost_part({}, {1}) == 0
    assert lost_part(launches(LEAST_LAUNCHES - 1), {0, LEAST_LAUNCHES - 2}) == 0


def test_of_a_stretch_that_was_cut_what_lies_before_its_first_record_and_after_its_last_is_left_out() -> None:
    assert lost_part(launches(100), set(range(30, 60)), is_cut=True) == 0
    assert lost_part(launches(100), set(range(30, 60))) == pytest.approx(0.7)


def test_holes_are_lost() -> None:
    assert lost_part(
        launches(40), {number for number in range(40) if number % 4 or number in (0, 39)}
    ) == pytest.approx(9 / 40)
