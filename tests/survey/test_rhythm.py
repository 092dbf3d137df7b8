"""What is done every so many steps, by the times of the steps alone."""

from __future__ import annotations

import random

import pytest

from unslow.survey.rhythm import rhythm


def steps(number: int, every: int = 0, longer_s: float = 0.4, first: int = 0, noise: float = 0.1) -> list[float]:
    """Of 0.2 s; from the step `first` on, each `every` one by `longer_s` longer."""
    coin = random.Random(0)
    long = set(range(first, number, every)) if every else set[int]()
    return [0.2 * (1 + noise * coin.random()) + (longer_s if n in long else 0.0) for n in range(number)]


@pytest.mark.parametrize("number", [0, 5, 40])
def test_steps_that_are_alike(number: int) -> None:
    assert rhythm(steps(number)) == 0


def test_two_long_steps_are_no_rhythm() -> None:
    assert rhythm(steps(20, every=10, first=3)) == 0


def test_long_steps_here_and_there() -> None:
    seen = steps(60)
    for n in (4, 9, 21, 30, 47, 51):
        seen[n] += 0.4
    assert rhythm(seen) == 0


def test_what_adds_too_little_to_matter() -> None:
    assert rhythm(steps(400, every=50, longer_s=0.11, noise=0.0)) == 0


@pytest.mark.parametrize(("number", "every", "first"), [(40, 10, 9), (31, 10, 0), (400, 20, 7), (12, 4, 3), (30, 3, 1)])
def test_an_evaluation_every_so_many_steps(number: int, every: int, first: int) -> None:
    assert rhythm(steps(number, every, first=first)) == every


def test_a_step_that_the_machine_made_long_does_not_hide_it() -> None:
    seen = steps(40, every=10, first=9)
    seen[23] = seen[24] = 0.9
    assert rhythm(seen) == 10
