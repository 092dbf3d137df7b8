"""Which steps are looked at: few of short ones, and at every place of what a script does every so many steps."""

from __future__ import annotations

from collections import Counter

import pytest

from unslow.survey.looks import OFTEN, SELDOM, Looks, one_of


@pytest.mark.parametrize("step_s", [0.025, 0.1, 10.0])
def test_of_long_steps_every_second_one(step_s: float) -> None:
    assert one_of(step_s) == OFTEN


@pytest.mark.parametrize("step_s", [0.0, 1e-4, 0.006])
def test_of_short_ones_few(step_s: float) -> None:
    assert one_of(step_s) == SELDOM


def test_between_them_as_many_as_half_a_per_cent_allows() -> None:
    assert one_of(0.0125) == 4


@pytest.mark.parametrize("size", [2, 3, 8])
def test_of_each_group_one_is_looked_at_and_one_beside_it_is_its_measure(size: int) -> None:
    looks = Looks()
    for _ in range(50):
        group = [looks.at_next(size) for _ in range(size)]
        assert (group.count(True), group.count(False)) == (1, 1)
        assert abs(group.index(True) - group.index(False)) == 1


def test_every_place_of_a_group_is_looked_at_as_often() -> None:
    looks, groups, size = Looks(), 4000, 8
    seen = Counter(place for _ in range(groups) for place in range(size) if looks.at_next(size))
    assert all(abs(seen[place] - groups / size) < 100 for place in range(size))


def test_the_one_beside_comes_before_as_often_as_after() -> None:
    looks, groups = Looks(), 2000
    first = Counter(
        next(filter(lambda one: one is not None, [looks.at_next(8) for _ in range(8)])) for _ in range(groups)
    )
    assert abs(first[True] - groups / 2) < 100
