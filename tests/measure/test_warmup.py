from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from simulated import Floats
from unslow.core.errors import BadInput
from unslow.measure.warmup import LEAST_TURNS, MOST_TURNS, SMALLEST_WINDOW, speeding_up, trending, warmed_up

RUNS = 60
TURN = np.arange(2 * MOST_TURNS)
Disturbance = Callable[[np.random.Generator], Floats]


def normal(random: np.random.Generator) -> Floats:
    return 0.02 * random.standard_normal(TURN.size)


def quiet(random: np.random.Generator) -> Floats:
    return 0.003 * random.standard_normal(TURN.size)


def t3(random: np.random.Generator) -> Floats:
    return 0.02 * random.standard_t(3, TURN.size)


def stray_slow_turns(random: np.random.Generator) -> Floats:
    """One turn in twelve is held up, by half its time on average."""
    stray = (random.random(TURN.size) < 1 / 12) * random.exponential(0.5, TURN.size)
    return 0.02 * random.standard_normal(TURN.size) + stray


def wandering(random: np.random.Generator) -> Floats:
    noise = 0.02 * random.standard_normal(TURN.size)
    for turn in range(1, TURN.size):
        noise[turn] += 0.3 * noise[turn - 1]
    return noise


def compiled_at(turn: int, slower_before: float = 1.5) -> Floats:
    """Log excess over the steady speed, when a just-in-time compiler steps in at a turn."""
    return np.where(turn > TURN, math.log(slower_before), 0.0)


def decaying(turns: float) -> Floats:
    """Log excess of half the time at first, decaying with a time constant in turns."""
    return 0.5 * np.exp(-TURN / turns)


def turns_taken(log_seconds: Floats) -> int:
    seconds = list(np.exp(log_seconds))
    return next(n for n in range(len(seconds) + 1) if warmed_up(seconds[:n]))


def simulate(excess: Floats, noise: Disturbance) -> tuple[Floats, Floats]:
    """Over `RUNS` seeded runs: the turns taken, and the log excess that is left at the end of the warm-up."""
    random = np.random.default_rng(1)
    taken = np.array([turns_taken(excess + noise(random)) for _ in range(RUNS)])
    return taken.astype(np.float64), excess[taken]


EVERY_NOISE = [normal, quiet, t3, stray_slow_turns, wandering]


class TestNearMisses:
    """What must not end the warm-up."""

    def test_too_few_turns(self) -> None:
        assert not warmed_up([])
        assert not warmed_up([0.05] * (LEAST_TURNS - 1))
        assert trending([0.05] * (LEAST_TURNS - 1))

    def test_a_step_just_passed(self) -> None:
        assert not warmed_up([0.3] * 8 + [0.1] * 7)

    def test_a_steady_rise(self) -> None:
        """A processor that slows down as it warms is no steady state either."""
        assert not warmed_up([0.05 * 1.01**turn for turn in range(40)])

    @pytest.mark.parametrize("noise", EVERY_NOISE)
    @pytest.mark.parametrize("turn", [1, 2, 3, 5, 8])
    def test_never_before_the_compiler_has_stepped_in(self, turn: int, noise: Disturbance) -> None:
        taken, _ = simulate(compiled_at(turn), noise)
        assert taken.min() > turn
        assert np.quantile(taken, 0.9) < 50

    @pytest.mark.parametrize("noise", EVERY_NOISE)
    def test_a_small_step_counts_too(self, noise: Disturbance) -> None:
        _, left = simulate(compiled_at(5, slower_before=1.1), noise)
        assert np.mean(left > 0) <= 0.02

    @pytest.mark.parametrize("noise", EVERY_NOISE)
    @pytest.mark.parametrize(("time_constant", "mean_left"), [(2, 0.001), (5, 0.002), (10, 0.02), (20, 0.04)])
    def test_little_of_a_decay_is_left(self, time_constant: int, mean_left: float, noise: Disturbance) -> None:
        """On average; half the time at first."""
        _, left = simulate(decaying(time_constant), noise)
        assert left.mean() <= mean_left


class TestHits:
    @pytest.mark.parametrize("noise", EVERY_NOISE)
    def test_steady_turns_soon_suffice(self, noise: Disturbance) -> None:
        taken, _ = simulate(np.zeros(TURN.size), noise)
        assert np.median(taken) <= 1.5 * LEAST_TURNS
        assert np.quantile(taken, 0.9) <= 3 * LEAST_TURNS

    def test_equal_turns_at_once(self) -> None:
        assert warmed_up([0.05] * LEAST_TURNS)

    def test_one_stray_turn_changes_nothing(self) -> None:
        assert warmed_up([0.05] * 6 + [5.0] + [0.05] * (LEAST_TURNS - 7))

    def test_a_sure_but_negligible_trend(self) -> None:
        assert warmed_up([0.05 * (1 - 1e-5 * turn) for turn in range(LEAST_TURNS)])

    def test_in_any_unit(self) -> None:
        seconds = np.exp(compiled_at(3) + normal(np.random.default_rng(2)))
        for n in range(MOST_TURNS):
            assert warmed_up(list(seconds[:n])) == warmed_up(list(1024 * seconds[:n]))

    def test_gives_up_on_a_program_that_never_settles(self) -> None:
        forever = [1.03**-turn for turn in range(MOST_TURNS)]
        assert not warmed_up(forever[:-1])
        assert warmed_up(forever)
        assert trending(forever)

    @pytest.mark.parametrize("seconds", [0.0, -1.0, math.nan, math.inf])
    def test_time_that_is_none(self, seconds: float) -> None:
        with pytest.raises(BadInput):
            trending([0.05] * LEAST_TURNS + [seconds])


@pytest.mark.parametrize("disturbance", [normal, quiet, t3, stray_slow_turns, wandering])
@pytest.mark.parametrize("turns", [SMALLEST_WINDOW, 12, MOST_TURNS])
def test_a_steady_program_is_hardly_ever_said_to_get_faster(disturbance: Disturbance, turns: int) -> None:
    random = np.random.default_rng(3)
    said = [speeding_up(list(np.exp(disturbance(random)[:turns]))) for _ in range(200)]
    assert sum(said) <= 20


@pytest.mark.parametrize("turns", [0, 1, SMALLEST_WINDOW - 1])
def test_of_too_few_turns_nobody_can_say(turns: int) -> None:
    assert not speeding_up(list(np.exp(decaying(4))[:turns]))


@pytest.mark.parametrize("turns", [SMALLEST_WINDOW, 9, 20])
def test_a_decay_that_was_cut_short_is_said(turns: int) -> None:
    random = np.random.default_rng(3)
    said = [speeding_up(list(np.exp(decaying(10) + quiet(random))[:turns])) for _ in range(50)]
    assert sum(said) >= 45
