"""Quantiles and exact bounds, against SciPy."""

from __future__ import annotations

import pytest
from scipy import stats

from unslow.verify.intervals import (
    clopper_pearson_lower,
    clopper_pearson_upper,
    expanded_alpha,
    regularised_beta,
    t_quantile,
)


@pytest.mark.parametrize("freedom", [9, 20, 200, 5000])
@pytest.mark.parametrize("probability", [0.995, 0.95, 0.5, 0.05])
def test_t_quantile(freedom: int, probability: float):
    assert t_quantile(probability, freedom) == pytest.approx(stats.t.ppf(probability, freedom), rel=0.005, abs=1e-9)


@pytest.mark.parametrize("x", [0.0, 1e-6, 0.2, 0.7, 0.9999, 1.0])
@pytest.mark.parametrize(("a", "b"), [(1, 50), (3.5, 2), (400, 100_000), (50_000, 50_000)])
def test_regularised_beta(x: float, a: float, b: float):
    assert regularised_beta(x, a, b) == pytest.approx(stats.beta.cdf(x, a, b), rel=1e-8, abs=1e-12)


@pytest.mark.parametrize(("k", "n"), [(0, 50), (1, 50), (25, 50), (50, 50), (3, 100_000)])
@pytest.mark.parametrize("alpha", [0.05, 0.001])
def test_clopper_pearson(k: int, n: int, alpha: float):
    upper = 1.0 if k == n else stats.beta.ppf(1 - alpha, k + 1, n - k)
    lower = 0.0 if k == 0 else stats.beta.ppf(alpha, k, n - k + 1)
    assert clopper_pearson_upper(k, n, alpha) == pytest.approx(upper, rel=1e-6)
    assert clopper_pearson_lower(k, n, alpha) == pytest.approx(lower, rel=1e-6, abs=1e-12)


def test_rule_of_three():
    assert clopper_pearson_upper(0, 300, 0.05) == pytest.approx(3 / 300, rel=0.01)


def test_expanded_tail_is_smaller_and_tends_to_alpha():
    assert expanded_alpha(0.05, 10) < expanded_alpha(0.05, 50) < 0.05
    assert expanded_alpha(0.05, 100_000) == pytest.approx(0.05, rel=1e-3)
