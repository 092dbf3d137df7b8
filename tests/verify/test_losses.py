"""From a paired loss to a verdict: few samples and rare harm first, then what is shown for sure."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import pytest

from unslow.core.estimate import Estimate
from unslow.verify.losses import MIN_UNITS, NEEDED_CAP, LossOf, LossVerdict, Question, judge_loss, needed_units
from unslow.verify.resampling import Rows, units_of
from unslow.verify.slices import judge_slices

RUNS = 300
ALPHA = 0.05


def mean_of(values: list[float] | np.ndarray) -> LossOf:
    array = np.asarray(values, dtype=np.float64)
    return lambda rows: float(array[rows].mean())


def judged(values: list[float] | np.ndarray, tolerance: float, scale: float = 1.0) -> LossVerdict:
    return judge_loss(mean_of(values), units_of(len(values), None), Question(tolerance, ALPHA, 0, 300, scale))


def test_too_few_units_prove_nothing_whatever_the_tolerance():
    result = judged([0.0] * (MIN_UNITS - 1), 0.9)
    assert (result.verdict, result.needed, result.estimate) == ("unproven", MIN_UNITS, None)


def test_no_difference_seen_is_not_certainty():
    result = judged([0.0] * 100, 0.01)
    assert result.verdict == "unproven"
    assert result.estimate is not None
    assert result.estimate.high == pytest.approx(1 - ALPHA ** (1 / 100))
    assert result.needed == pytest.approx(math.log(ALPHA) / math.log(0.99), abs=2)
    assert judged([0.0] * (result.needed or 0), 0.01).verdict == "kept"


def test_a_lucky_gain_does_not_hide_harm_that_was_not_seen():
    assert judged([-1.0] + [0.0] * 49, 0.01).verdict == "unproven"


def test_the_scale_of_the_metric_counts_where_nothing_moved():
    assert judged([0.0] * 1000, 0.01, scale=1).verdict == "kept"
    assert judged([0.0] * 1000, 0.01, scale=100).verdict == "unproven"


def test_few_harmed_samples_get_the_exact_bound():
    result = judged([1.0, 1.0] + [0.0] * 198, 0.03)
    assert result.verdict == "unproven"
    assert result.estimate is not None
    assert result.estimate.high >= 0.0311


def test_a_clear_loss_is_lost_and_a_clear_small_one_kept():
    noise = np.random.default_rng(0).normal(0, 0.01, 300)
    assert judged(noise + 0.05, 0.02).verdict == "lost"
    kept = judged(noise + 0.005, 0.02)
    assert (kept.verdict, kept.needed) == ("kept", None)
    assert kept.estimate is not None
    assert kept.estimate.level == pytest.approx(1 - 2 * ALPHA)


def test_an_undefined_loss_is_unproven_with_its_reason():
    def defined_with_the_first(rows: Rows) -> float:
        return 0.0 if 0 in rows else math.nan

    result = judge_loss(defined_with_the_first, units_of(100, None), Question(0.1, ALPHA, 0, 400))
    assert result.verdict == "unproven"
    assert "not defined on 3" in result.reason


def test_rarely_undefined_resamples_are_skipped():
    values = np.random.default_rng(0).normal(0, 0.01, 100)

    def needs_one_of_five(rows: Rows) -> float:
        return float(values[rows].mean()) if np.any(rows < 5) else math.nan

    assert judge_loss(needs_one_of_five, units_of(100, None), Question(0.1, ALPHA, 0, 400)).verdict == "kept"


@pytest.mark.parametrize("shift", [0.02, 0.03])
def test_nothing_is_needed_when_the_loss_reaches_the_tolerance(shift: float):
    assert needed_units(Estimate(shift, 0.0, 0.05, 0.9, 50, "metric"), Question(0.02, ALPHA, 0)) is None


def test_needed_is_capped():
    assert needed_units(Estimate(0.0199999, 0.0, 0.05, 0.9, 50), Question(0.02, ALPHA, 0)) == NEEDED_CAP


def test_needed_units_would_do_four_times_in_five():
    first = judged(np.random.default_rng(1).normal(0.01, 0.1, 60), 0.02)
    assert first.needed is not None
    assert first.estimate is not None
    shift = first.estimate.point
    generator = np.random.default_rng(2)
    again = [judged(generator.normal(shift, 0.1, first.needed), 0.02).verdict for _ in range(40)]
    assert again.count("kept") / 40 >= 0.6


def test_many_units_are_left_out_in_blocks():
    values = np.zeros(3000)
    values[:6] = 1.0
    result = judged(values, 0.01)
    assert result.verdict == "kept"
    assert result.estimate is not None
    assert 0.0035 < result.estimate.high < 0.0045


def test_the_worst_slice_comes_first_and_small_slices_prove_nothing():
    values = np.concatenate([np.zeros(400), np.full(400, 0.1), np.zeros(5)])
    values += np.random.default_rng(0).normal(0, 0.01, len(values))
    names = ["good"] * 400 + ["bad"] * 400 + ["tiny"] * 5
    question = Question(0.02, ALPHA, 0, 400)
    slices = judge_slices(mean_of(values), units_of(len(values), None), names, question)
    assert [(s.name, s.verdict) for s in slices] == [("bad", "lost"), ("tiny", "unproven"), ("good", "kept")]
    assert slices[0].estimate is not None
    assert slices[0].estimate.level == pytest.approx(1 - 2 * ALPHA / 3)
    assert slices[1].estimate is None


@cache
def verdict_of_counts(harmed: int, helped: int, n: int, tolerance: float) -> str:
    values = np.zeros(n)
    values[:harmed], values[harmed : harmed + helped] = 1, -1
    return judged(values, tolerance).verdict


def share(verdict: str, n: int, tolerance: float, harmed: float, helped: float) -> float:
    """How often accuracies of `n` samples are judged so, where a share is harmed and another helped."""
    random = np.random.default_rng(n)
    draws = random.multinomial(n, [harmed, helped, 1 - harmed - helped], size=RUNS)[:, :2].tolist()
    return sum(verdict_of_counts(b, c, n, tolerance) == verdict for b, c in draws) / RUNS


@pytest.mark.parametrize("n", [50, 200, 1000])
@pytest.mark.parametrize(("tolerance", "helped"), [(0.01, 0.0), (0.01, 0.01), (0.02, 0.01), (0.02, 0.03)])
def test_a_loss_of_just_the_tolerance_is_rarely_called_kept(n: int, tolerance: float, helped: float):
    margin = 3 * math.sqrt(ALPHA * (1 - ALPHA) / RUNS)
    assert share("kept", n, tolerance, tolerance + helped, helped) <= ALPHA + margin


@pytest.mark.parametrize(("n", "least"), [(200, 0.4), (1000, 0.95)])
def test_power_with_one_percent_of_decisions_changed_each_way(n: int, least: float):
    assert share("kept", n, 0.02, 0.01, 0.01) >= least
