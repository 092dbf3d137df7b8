"""Quantiles and exact bounds, without SciPy. Sources stand with each function."""

from __future__ import annotations

import math
from collections.abc import Callable
from statistics import NormalDist

_NORMAL = NormalDist()
_BISECTIONS = 100
_FRACTION_STEPS = 20_000
_TINY = 1e-300
_CONVERGED = 1e-14


def normal_quantile(probability: float) -> float:
    """The quantile of the standard normal distribution."""
    return _NORMAL.inv_cdf(probability)


def t_quantile(probability: float, freedom: int) -> float:
    """Student's t quantile by the Cornish-Fisher expansion in 1/freedom (Abramowitz & Stegun 26.7.5).

    Within 0.5 % for freedom ≥ 9 and probabilities between 0.005 and 0.995.
    """
    z, v = normal_quantile(probability), float(freedom)
    first = (z**3 + z) / 4
    second = (5 * z**5 + 16 * z**3 + 3 * z) / 96
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    return z + first / v + second / v**2 + third / v**3


def expanded_alpha(alpha: float, n: int) -> float:
    """The tail to read off the percentile bootstrap so that it covers like a t-interval at small `n`.

    A bootstrap interval is too narrow by sqrt((n-1)/n) and by normal against t quantiles; Hesterberg (2015), *What
    teachers should know about the bootstrap*, The American Statistician 69(4), "expanded percentile".
    """
    return _NORMAL.cdf(-math.sqrt(n / (n - 1)) * t_quantile(1 - alpha, n - 1))


def clopper_pearson_upper(k: int, n: int, alpha: float) -> float:
    """The exact one-sided upper bound, at confidence 1 - alpha, of a proportion seen `k` times in `n`.

    Clopper & Pearson (1934); for k = 0 it is 1 - alpha^(1/n), near 3/n at alpha 5 % ("rule of three").
    """
    if k >= n:
        return 1.0
    if k == 0:
        return -math.expm1(math.log(alpha) / n)
    return _root(lambda p: regularised_beta(p, k + 1, n - k) - (1 - alpha))


def clopper_pearson_lower(k: int, n: int, alpha: float) -> float:
    """The exact one-sided lower bound, at confidence 1 - alpha, of a proportion seen `k` times in `n`."""
    return 1 - clopper_pearson_upper(n - k, n, alpha)


def regularised_beta(x: float, a: float, b: float) -> float:
    """The regularised incomplete beta function I_x(a, b), by its continued fraction (DLMF 8.17.22, modified Lentz)."""
    if x <= 0 or x >= 1:
        return float(x >= 1)
    if x > (a + 1) / (a + b + 2):
        return 1 - regularised_beta(1 - x, b, a)
    front = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    return math.exp(front) / a * _beta_fraction(x, a, b)


def _beta_fraction(x: float, a: float, b: float) -> float:
    c, d = 1.0, 1 / _away(1 - (a + b) * x / (a + 1))
    value = d
    for m in range(1, _FRACTION_STEPS):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for step in (even, odd):
            d = 1 / _away(1 + step * d)
            c = _away(1 + step / c)
            value *= c * d
        if abs(c * d - 1) < _CONVERGED:
            break
    return value


def _away(value: float) -> float:
    return value if abs(value) > _TINY else _TINY


def _root(rising: Callable[[float], float]) -> float:
    low, high = 0.0, 1.0
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        if rising(middle) < 0:
            low = middle
        else:
            high = middle
        if high - low < 1e-12 * high:
            break
    return high
