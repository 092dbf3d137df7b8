from __future__ import annotations

import importlib
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulated import Floats, recorded_log_ratios, recorded_process_pairs
from unslow.core.errors import BadInput, BadUsage
from unslow.core.estimate import Estimate, Verdict, verdict_of
from unslow.measure.finals import (
    PROCESS_PAIRS,
    PROCESS_PAIRS_WHEN_CLEAR,
    TURN_PAIRS_PER_PROCESS,
    finals_estimate,
    percentile_interval,
    percentile_over_processes,
    process_pairs_for,
    t_quantile,
)
from unslow.measure.race import speedup

student_t: Any = importlib.import_module("scipy.stats").t  # scipy has no types

NOISE = 0.02
PROCESS_EFFECT = 0.01
"""Standard deviation of what one process keeps for its life; a pair of processes differs by sqrt(2) times as much."""
CHANGE = math.log(1.05)
durations = st.lists(st.floats(0, 1e3), min_size=1, max_size=80)


def process_medians(random: np.random.Generator, repeats: int, process_pairs: int = PROCESS_PAIRS) -> Floats:
    """Simulated A-against-A medians of shape (repeats, process pairs), with a process effect and 2 % pair noise."""
    effects = PROCESS_EFFECT * math.sqrt(2) * random.standard_normal((repeats, process_pairs, 1))
    noise = NOISE * random.standard_normal((repeats, process_pairs, TURN_PAIRS_PER_PROCESS))
    return np.median(effects + noise, axis=2)


def covers(estimate: Estimate, log_speedup: float) -> bool:
    return estimate.low <= math.exp(log_speedup) <= estimate.high


def recorded_comparison(random: np.random.Generator) -> Verdict:
    """Race, then finals, of a program against itself, from the recorded noise."""
    race = speedup(recorded_process_pairs(random, 1, 60)[0], 0.05)
    turns = recorded_process_pairs(random, process_pairs_for(race), TURN_PAIRS_PER_PROCESS)
    return verdict_of(finals_estimate(np.median(turns, axis=1)), NOISE)


class TestFinalsNearMisses:
    def test_one_process_pair_proves_nothing(self) -> None:
        estimate = finals_estimate([0.7])
        assert (estimate.low, estimate.high, estimate.n) == (0, math.inf, 1)
        assert verdict_of(estimate, NOISE) == "undecided"

    def test_one_process_pair_of_eight_proves_nothing(self) -> None:
        assert verdict_of(finals_estimate([0.0] * 7 + [3.0]), NOISE) == "undecided"

    def test_a_program_against_itself_is_hardly_ever_faster_or_slower(self) -> None:
        verdicts = [verdict_of(finals_estimate(m), NOISE) for m in process_medians(np.random.default_rng(1), 5_000)]
        assert sum(verdict in ("faster", "slower") for verdict in verdicts) <= 5

    def test_recorded_programs_against_themselves_are_hardly_ever_faster_or_slower(self) -> None:
        assert len(recorded_log_ratios()) >= 6
        random = np.random.default_rng(2)
        verdicts = [recorded_comparison(random) for _ in range(200)]
        assert sum(verdict in ("faster", "slower") for verdict in verdicts) <= 2

    def test_pooled_turns_of_one_process_pair_miss_the_truth(self) -> None:
        """Negative control: why processes are the replicates. The same interval, over turns, says 95 % and is not."""
        random = np.random.default_rng(3)
        effects = PROCESS_EFFECT * math.sqrt(2) * random.standard_normal((1_000, 1))
        turns = effects + NOISE * random.standard_normal((1_000, PROCESS_PAIRS * TURN_PAIRS_PER_PROCESS))
        missed = [not covers(finals_estimate(pooled), 0) for pooled in turns]
        assert np.mean(missed) > 0.2

    @pytest.mark.parametrize("low", [0.0, 0.9, 1.0, 1.19])
    def test_unclear_race_asks_for_many_process_pairs(self, low: float) -> None:
        assert process_pairs_for(Estimate(1.5, low, math.inf, 0.95, 30)) == PROCESS_PAIRS


class TestFinalsHits:
    def test_clear_race_asks_for_few_process_pairs(self) -> None:
        assert process_pairs_for(Estimate(1.5, 1.2, 1.8, 0.95, 30)) == PROCESS_PAIRS_WHEN_CLEAR

    def test_by_hand(self) -> None:
        estimate = finals_estimate([0.1, 0.2, 0.3])
        half_width = 4.302653 * 0.1 / math.sqrt(3)
        expected = [math.exp(0.2), math.exp(0.2 - half_width), math.exp(0.2 + half_width)]
        assert [estimate.point, estimate.low, estimate.high] == pytest.approx(expected, rel=1e-6)
        assert (estimate.level, estimate.n, estimate.unit) == (0.95, 3, "x")

    @pytest.mark.parametrize("process_pairs", [PROCESS_PAIRS, PROCESS_PAIRS_WHEN_CLEAR])
    def test_covers_the_truth(self, process_pairs: int) -> None:
        medians = process_medians(np.random.default_rng(4), 5_000, process_pairs)
        assert np.mean([covers(finals_estimate(CHANGE + m), CHANGE) for m in medians]) >= 0.93

    def test_a_change_of_5_percent_is_called_faster(self) -> None:
        medians = CHANGE + process_medians(np.random.default_rng(5), 2_000)
        assert np.mean([verdict_of(finals_estimate(m), NOISE) == "faster" for m in medians]) >= 0.95

    def test_a_change_of_5_percent_the_other_way_is_called_slower(self) -> None:
        medians = -CHANGE + process_medians(np.random.default_rng(6), 2_000)
        assert np.mean([verdict_of(finals_estimate(m), NOISE) == "slower" for m in medians]) >= 0.95

    def test_three_process_pairs_show_a_clear_change(self) -> None:
        medians = math.log(1.3) + process_medians(np.random.default_rng(7), 2_000, PROCESS_PAIRS_WHEN_CLEAR)
        assert np.mean([verdict_of(finals_estimate(m), NOISE) == "faster" for m in medians]) >= 0.95

    @given(st.lists(st.floats(-2, 2), min_size=2, max_size=12))
    def test_the_other_way_round_is_the_reciprocal(self, medians: list[float]) -> None:
        one, other = finals_estimate(medians), finals_estimate([-m for m in medians])
        reciprocals = [1 / other.point, 1 / other.high, 1 / other.low]
        assert [one.point, one.low, one.high] == pytest.approx(reciprocals, rel=1e-9)

    def test_misuse(self) -> None:
        with pytest.raises(BadUsage):
            finals_estimate([])
        with pytest.raises(BadUsage):
            finals_estimate([0.1, 0.2], level=95)
        with pytest.raises(BadInput):
            finals_estimate([0.1, math.nan])


class TestTQuantile:
    @pytest.mark.parametrize("degrees", [1, 2, 3, 4, 7, 8, 24, 99, 1000])
    @pytest.mark.parametrize("probability", [0.51, 0.75, 0.95, 0.975, 0.9995])
    def test_agrees_with_scipy(self, probability: float, degrees: int) -> None:
        assert t_quantile(probability, degrees) == pytest.approx(student_t.ppf(probability, degrees), rel=1e-9)

    @pytest.mark.parametrize(("probability", "degrees"), [(0.5, 3), (1.0, 3), (0.975, 0)])
    def test_misuse(self, probability: float, degrees: int) -> None:
        with pytest.raises(BadUsage):
            t_quantile(probability, degrees)


class TestPercentiles:
    def test_one_sample_too_few_for_p99_has_no_upper_end(self) -> None:
        samples = np.arange(1.0, 368.0)
        assert percentile_interval(samples, 0.99).high == math.inf
        assert percentile_interval(np.append(samples, 368.0), 0.99).high == 368

    def test_a_single_sample_says_nothing(self) -> None:
        estimate = percentile_interval([3.0], 0.5)
        assert (estimate.point, estimate.low, estimate.high) == (3, 0, math.inf)

    def test_median_of_ten_by_the_table(self) -> None:
        """Hahn & Meeker, table A.15a: for n = 10 and 95 %, the 2nd and the 9th."""
        estimate = percentile_interval([float(x) for x in range(10, 0, -1)], 0.5, unit="s")
        assert (estimate.point, estimate.low, estimate.high, estimate.unit, estimate.n) == (5, 2, 9, "s", 10)

    def test_rounding_does_not_shift_the_point(self) -> None:
        """100 * 0.07 is above 7 in floating point."""
        assert percentile_interval(np.arange(1.0, 101.0), 0.07).point == 7

    @pytest.mark.parametrize(("q", "n"), [(0.5, 60), (0.9, 200), (0.99, 1000)])
    def test_covers_the_quantile_of_a_skewed_tail(self, q: float, n: int) -> None:
        truth = -math.log(1 - q)
        samples = np.random.default_rng(8).exponential(size=(2_000, n))
        estimates = [percentile_interval(row, q) for row in samples]
        assert np.mean([e.low <= truth <= e.high for e in estimates]) >= 0.945
        assert np.mean([truth < e.low for e in estimates]) <= 0.035
        assert np.mean([truth > e.high for e in estimates]) <= 0.035

    @given(durations, st.floats(0.01, 0.999))
    def test_ends_are_samples_around_the_point(self, samples: list[float], q: float) -> None:
        estimate = percentile_interval(samples, q)
        assert estimate.low <= estimate.point <= estimate.high
        assert {estimate.low, estimate.point, estimate.high} <= {0.0, math.inf, *samples}

    @given(durations, st.floats(0.01, 0.999))
    def test_follows_any_rising_transformation(self, samples: list[float], q: float) -> None:
        before, after = percentile_interval(samples, q), percentile_interval([math.sqrt(x) for x in samples], q)
        expected = [math.sqrt(x) for x in (before.low, before.point, before.high)]
        assert [after.low, after.point, after.high] == expected

    def test_misuse(self) -> None:
        with pytest.raises(BadUsage):
            percentile_interval([], 0.5)
        with pytest.raises(BadUsage):
            percentile_interval([1.0], 99)
        with pytest.raises(BadInput):
            percentile_interval([-1.0], 0.5)


def test_a_percentile_over_processes_is_as_unsure_as_the_wider_of_its_two_sources() -> None:
    random = np.random.default_rng(0)
    alike = [random.lognormal(0, 0.1, 100) for _ in range(8)]
    assert percentile_over_processes(alike[:1], 0.99).high == math.inf
    together = percentile_interval(np.concatenate(alike), 0.99)
    found = percentile_over_processes(alike, 0.99)
    assert found.point == together.point and found.high >= together.high and found.low <= together.low
    apart = [process * (1 + number) for number, process in enumerate(alike)]
    assert percentile_over_processes(apart, 0.99).high > percentile_interval(np.concatenate(apart), 0.99).high
    assert math.isinf(percentile_over_processes([[5.0] * 10] * 8, 0.99).high)
    assert percentile_over_processes([[5.0] * 100] * 8, 0.99).high == pytest.approx(5)


def test_the_upper_end_of_p99_holds_for_processes_that_differ() -> None:
    """Every process is shifted for its life. A pooled interval takes the calls for independent and is too narrow."""
    random, level, within = np.random.default_rng(1), 0.95, 0
    truth = float(np.quantile(random.lognormal(0, 0.2, 10**6) * np.exp(random.normal(0, 0.1, 10**6)), 0.99))
    for _ in range(200):
        shifts = np.exp(random.normal(0, 0.1, 8))
        processes = [shift * random.lognormal(0, 0.2, 50) for shift in shifts]
        within += percentile_over_processes(processes, 0.99, level).high >= truth
    assert within >= 0.95 * 200
