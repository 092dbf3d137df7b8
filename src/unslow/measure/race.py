"""The race: an interval for a speed-up that may be looked at after every pair of turns.

A pair of turns gives `x = log(original_seconds / variant_seconds)`: above zero, the variant was faster. The coin that
draws the order within each pair makes `x` symmetric around the true log speed-up `theta`, whatever the tails and
however the noise wanders (as long as it meets both sides alike), so the signs of `x - theta` are fair and
independent. With `S` their sum and `V` the number of those that are not zero,

    e(theta) = sqrt(r / (V + r)) * exp(S**2 / (2 * (V + r)))

is a non-negative supermartingale that starts at 1: it ever reaches `1 / alpha` with probability at most `alpha`
(Ville). The interval is the set of `theta` where it has not reached it yet, at no `n` so far. It covers the speed-up
of *these two processes*; what differs from process to process is for the finals.

Sources: de la Peña, *A general class of exponential inequalities for martingales and ratios*, Ann. Probab. 27 (1999);
Howard, Ramdas, McAuliffe & Sekhon, *Time-uniform, nonparametric, nonasymptotic confidence sequences*, Ann. Stat. 49
(2021), section 3.2 (the two-sided normal mixture).
"""

from __future__ import annotations

import math
from bisect import insort
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache, reduce

import numpy as np
from numpy.typing import NDArray

from unslow.core.errors import BadInput, BadUsage
from unslow.core.estimate import Estimate

MIXTURE_R = 25.0
"""Precision of the normal mixture, in pairs, fixed beforehand; at alpha 0.05 it is at its tightest near 200 pairs."""


@dataclass(frozen=True)
class RaceInterval:
    """What is known of one variant after the pairs seen so far; `updated` gives the next.

    `low` and `high` are log speed-ups. `drifted` says that no constant speed-up fits all the pairs (the running
    intersection became empty: the machine or the program changed on the way, or bad luck of probability below
    `alpha`). From then on the interval is the hull of the last non-empty set and of every set since: it only grows,
    and claims no coverage.
    """

    alpha: float
    log_ratios: tuple[float, ...] = ()
    """In ascending order."""
    low: float = -math.inf
    high: float = math.inf
    drifted: bool = False

    def __post_init__(self) -> None:
        _check_alpha(self.alpha)

    def updated(self, log_ratio: float) -> RaceInterval:
        """The interval after one pair more."""
        if not math.isfinite(log_ratio):
            raise BadInput(f"A pair of turns has the log-ratio {log_ratio}.", "Give finite times above zero.")
        ordered = list(self.log_ratios)
        insort(ordered, log_ratio)
        low, high = _not_rejected(ordered, self.alpha)
        drifted = self.drifted or max(self.low, low) > min(self.high, high)
        inner, outer = (min, max) if drifted else (max, min)
        return RaceInterval(self.alpha, tuple(ordered), inner(self.low, low), outer(self.high, high), drifted)

    @property
    def estimate(self) -> Estimate:
        """The median log-ratio with the interval; unit "log". The median may, rarely, lie outside the interval."""
        if not self.log_ratios:
            raise BadUsage("No pair of turns has been seen yet.", "Update the interval with a pair first.")
        n = len(self.log_ratios)
        median = (self.log_ratios[(n - 1) // 2] + self.log_ratios[n // 2]) / 2
        return Estimate(median, self.low, self.high, 1 - self.alpha, n, "log")


def median_sequence(log_ratios: Sequence[float] | NDArray[np.float64], alpha: float) -> Estimate:
    """The anytime-valid interval for the median pair log-ratio, in the order in which the pairs were run; unit "log".

    An end is infinite before `pairs_needed(alpha)` pairs. Raises `BadInput` for a log-ratio that is not finite and
    `BadUsage` for no pairs at all.
    """
    start = RaceInterval(alpha)
    return reduce(RaceInterval.updated, map(float, log_ratios), start).estimate


def speedup(log_ratios: Sequence[float] | NDArray[np.float64], alpha: float) -> Estimate:
    """`median_sequence` as a speed-up (unit "x"; 1.05: the variant takes 1/1.05 of the original's time)."""
    return median_sequence(log_ratios, alpha).exp()


def pairs_needed(alpha: float) -> int:
    """The least number of pairs after which the interval is bounded."""
    _check_alpha(alpha)
    n = 1
    while n < _sum_reached(n, alpha):
        n += 1
    return n


def is_behind(candidate: Estimate, leader: Estimate) -> bool:
    """Whether the candidate's whole interval lies below the leader's."""
    return candidate.high < leader.low


def shared_alpha(alpha: float, variants: int) -> float:
    """What each of `variants` intervals may use, for all of them to hold at once with `1 - alpha` (Bonferroni)."""
    _check_alpha(alpha)
    if variants < 1:
        raise BadUsage(f"{variants} variants cannot share an error rate.", "Give at least one variant.")
    return alpha / variants


def _not_rejected(ordered: list[float], alpha: float) -> tuple[float, float]:
    """The closed hull of the `theta` whose e-value at this `n` alone is below `1 / alpha`.

    Between the j-th and the next of the ordered values `S = n - 2j` and `V = n`, and the e-value falls towards the
    middle, ties included; so the hull runs from the first j that is not rejected to its mirror image.
    """
    n = len(ordered)
    rejected = _rejected_gaps(n, alpha)
    if rejected == 0:
        return -math.inf, math.inf
    return ordered[rejected - 1], ordered[n - rejected]


@lru_cache(maxsize=4096)
def _rejected_gaps(n: int, alpha: float) -> int:
    """How many gaps between `n` ordered values are rejected, counted from either end."""
    sum_reached = _sum_reached(n, alpha)
    return 0 if n < sum_reached else math.floor((n - sum_reached) / 2) + 1


def _sum_reached(n: int, alpha: float) -> float:
    """The `|S|` at which `n` signs bring the e-value to `1 / alpha`."""
    log_threshold = -math.log(alpha) + 0.5 * math.log((n + MIXTURE_R) / MIXTURE_R)
    return math.sqrt(2 * (n + MIXTURE_R) * log_threshold)


def _check_alpha(alpha: float) -> None:
    if not 0 < alpha < 1:
        raise BadUsage(f"The error rate alpha is {alpha}.", "Give a number above 0 and below 1.")
