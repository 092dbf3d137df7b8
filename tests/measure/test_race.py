from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from simulated import Floats, Noise, normal, recorded, recorded_with_coin, t3, wandering, wandering_with_coin
from unslow.core.errors import BadInput, BadUsage
from unslow.core.estimate import Estimate, verdict_of
from unslow.measure.race import (
    MIXTURE_R,
    RaceInterval,
    is_behind,
    median_sequence,
    pairs_needed,
    shared_alpha,
    speedup,
)

ALPHA = 0.05
whole_numbers = st.lists(st.integers(-5, 5).map(float), min_size=1, max_size=60)


def ever_rejects_the_truth(noise: Floats) -> Floats:
    """Per repeat, whether the e-value at the true median (zero) reaches 1 / alpha at any n: the definition itself."""
    total = np.cumsum(np.sign(noise), axis=1)
    count = np.cumsum(noise != 0, axis=1)
    e_value = np.sqrt(MIXTURE_R / (count + MIXTURE_R)) * np.exp(total**2 / (2 * (count + MIXTURE_R)))
    return (e_value.max(axis=1) >= 1 / ALPHA).astype(np.float64)


def race(log_ratios: Sequence[float] | Floats) -> RaceInterval:
    interval = RaceInterval(ALPHA)
    for log_ratio in log_ratios:
        interval = interval.updated(float(log_ratio))
    return interval


class TestNearMisses:
    def test_one_pair_too_few_is_unbounded(self) -> None:
        estimate = median_sequence([0.5] * (pairs_needed(ALPHA) - 1), ALPHA)
        assert (estimate.low, estimate.high) == (-math.inf, math.inf)
        assert not estimate.bounded

    def test_unbounded_speedup_is_undecided(self) -> None:
        estimate = speedup([0.5] * (pairs_needed(ALPHA) - 1), ALPHA)
        assert (estimate.low, estimate.high) == (0, math.inf)
        assert verdict_of(estimate, 0.02) == "undecided"

    def test_overlapping_or_touching_is_not_behind(self) -> None:
        leader = Estimate(1.3, 1.2, 1.4, 0.95, 30)
        assert not is_behind(Estimate(1.1, 1.0, 1.2, 0.95, 30), leader)
        assert not is_behind(Estimate(1.1, 0.0, math.inf, 0.95, 3), leader)
        assert not is_behind(leader, leader)

    def test_a_few_wild_pairs_do_not_move_the_interval_far(self) -> None:
        steady = list(np.random.default_rng(1).normal(0.1, 0.01, 60))
        estimate = median_sequence([*steady, 5.0, 9.0, 7.0], ALPHA)
        assert 0.08 < estimate.low < 0.1 < estimate.high < 0.12

    @pytest.mark.parametrize("noise", [normal, t3, wandering_with_coin, recorded, recorded_with_coin])
    def test_the_truth_is_rarely_ever_rejected(self, noise: Noise) -> None:
        missed = ever_rejects_the_truth(noise(np.random.default_rng(2), 20_000, 150))
        assert missed.mean() <= ALPHA

    @pytest.mark.parametrize("noise", [normal, t3, wandering_with_coin, recorded, recorded_with_coin])
    def test_the_interval_rarely_ever_leaves_out_the_truth(self, noise: Noise) -> None:
        repeats, missed = noise(np.random.default_rng(3), 400, 150), 0
        for log_ratios in repeats:
            interval = RaceInterval(ALPHA)
            for log_ratio in log_ratios:
                interval = interval.updated(float(log_ratio))
                if not interval.low <= 0 <= interval.high:
                    missed += 1
                    break
        assert missed / len(repeats) <= ALPHA + 3 * math.sqrt(ALPHA * (1 - ALPHA) / len(repeats))

    def test_without_the_coin_wandering_noise_would_be_rejected_too_often(self) -> None:
        """Negative control: the coin, not the interval alone, is what makes the race honest."""
        random = np.random.default_rng(4)
        without, with_coin = wandering(random, 20_000, 150), wandering_with_coin(random, 20_000, 150)
        assert ever_rejects_the_truth(without).mean() > 2 * ever_rejects_the_truth(with_coin).mean()


class TestHits:
    def test_bounded_from_the_least_number_of_pairs(self) -> None:
        n = pairs_needed(ALPHA)
        assert n == 17
        estimate = median_sequence(np.arange(n) / 100, ALPHA)
        assert (estimate.low, estimate.high) == (0, (n - 1) / 100)
        assert (estimate.point, estimate.n, estimate.unit, estimate.level) == (0.08, n, "log", 0.95)

    def test_a_smaller_alpha_needs_more_pairs(self) -> None:
        assert pairs_needed(shared_alpha(ALPHA, 40)) > pairs_needed(shared_alpha(ALPHA, 2)) > pairs_needed(ALPHA)

    def test_positive_log_ratios_are_faster(self) -> None:
        log_ratios = np.random.default_rng(5).normal(math.log(1.3), 0.02, 60)
        estimate = speedup(log_ratios, ALPHA)
        assert estimate.unit == "x"
        assert verdict_of(estimate, 0.02) == "faster"
        assert verdict_of(speedup(-log_ratios, ALPHA), 0.02) == "slower"

    def test_whole_interval_below_is_behind(self) -> None:
        assert is_behind(Estimate(1.1, 1.0, 1.19, 0.95, 30), Estimate(1.3, 1.2, 1.4, 0.95, 30))

    def test_a_change_of_5_percent_is_seen_within_60_pairs(self) -> None:
        """At 2 % pair noise, in at least 95 of 100 races."""
        random = np.random.default_rng(6)
        seen = [speedup(log_ratios, ALPHA).low > 1 for log_ratios in math.log(1.05) + normal(random, 300, 60)]
        assert np.mean(seen) >= 0.95

    def test_drift_spans_both_speeds_and_says_so(self) -> None:
        random = np.random.default_rng(7)
        before, after = random.normal(0, 0.01, 60), random.normal(0.3, 0.01, 150)
        interval = race([*before, *after])
        assert interval.drifted
        assert interval.low < 0.01
        assert interval.high > 0.29
        assert not race(before).drifted

    @pytest.mark.parametrize("log_ratio", [math.nan, math.inf, -math.inf])
    def test_log_ratio_that_is_no_number(self, log_ratio: float) -> None:
        with pytest.raises(BadInput):
            median_sequence([0.1, log_ratio], ALPHA)

    def test_misuse(self) -> None:
        with pytest.raises(BadUsage):
            median_sequence([], ALPHA)
        with pytest.raises(BadUsage):
            median_sequence([0.1], 1.0)
        with pytest.raises(BadUsage):
            pairs_needed(0.0)
        with pytest.raises(BadUsage):
            shared_alpha(ALPHA, 0)


class TestProperties:
    @given(whole_numbers)
    def test_is_the_hull_of_what_the_definition_does_not_reject(self, log_ratios: list[float]) -> None:
        """By brute force over every data point, every gap and both outsides; the running intersection by sets."""
        grid = np.arange(-13, 14) / 2
        kept = np.ones(grid.size, dtype=bool)
        for n in range(1, len(log_ratios) + 1):
            signs = np.sign(np.array(log_ratios[:n])[:, None] - grid)
            total, count = signs.sum(axis=0), np.abs(signs).sum(axis=0)
            e_value = np.sqrt(MIXTURE_R / (count + MIXTURE_R)) * np.exp(total**2 / (2 * (count + MIXTURE_R)))
            kept &= e_value < 1 / ALPHA
        interval = race(log_ratios)
        assume(not interval.drifted and kept.any())
        accepted = grid[kept]
        assert np.all((accepted >= interval.low) & (accepted <= interval.high))
        # The closed hull may add its ends, and with them at most half a step of the grid.
        assert accepted[0] <= max(interval.low, grid[0]) + 0.5
        assert accepted[-1] >= min(interval.high, grid[-1]) - 0.5

    @given(whole_numbers)
    def test_the_other_way_round_flips_the_interval(self, log_ratios: list[float]) -> None:
        estimate = median_sequence(log_ratios, ALPHA)
        flipped = median_sequence([-x for x in log_ratios], ALPHA)
        assert (flipped.point, flipped.low, flipped.high) == (-estimate.point, -estimate.high, -estimate.low)

    @given(whole_numbers)
    def test_follows_any_rising_transformation(self, log_ratios: list[float]) -> None:
        def rising(x: float) -> float:
            return x**3 + x

        before, after = race(log_ratios), race([rising(x) for x in log_ratios])
        assert (after.low, after.high) == (rising(before.low), rising(before.high))

    @given(whole_numbers, st.integers(0, 2**32 - 1))
    def test_breaking_ties_either_way_changes_nothing_that_shows(self, log_ratios: list[float], seed: int) -> None:
        jitter = np.random.default_rng(seed).uniform(-1e-9, 1e-9, len(log_ratios))
        tied, broken = race(log_ratios), race(np.array(log_ratios) + jitter)
        assume(tied.drifted == broken.drifted)
        assert (broken.low, broken.high) == pytest.approx((tied.low, tied.high), abs=1e-8)

    @given(whole_numbers)
    def test_looking_on_the_way_never_widens_unless_it_drifts(self, log_ratios: list[float]) -> None:
        interval = RaceInterval(ALPHA)
        for x in log_ratios:
            following = interval.updated(x)
            narrower = following.low >= interval.low and following.high <= interval.high
            wider = following.low <= interval.low and following.high >= interval.high
            assert wider if following.drifted else narrower
            interval = following
