"""The finals: one look, over fresh processes; and percentiles of latencies.

A process keeps what it drew when it started (where its code and its data lie) for its whole life, which shifts all
its turns by half a percent and more. So processes are the replicates: each pair of processes gives one number, the
median of its turn pairs' `log(original_seconds / variant_seconds)`, and the interval is Student's t over those
numbers. Turns of different processes are never pooled.

Sources: Kalibera & Jones, *Rigorous benchmarking in reasonable time*, ISMM 2013; Curtsinger & Berger, *Stabilizer:
statistically sound performance evaluation*, ASPLOS 2013.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from unslow.core.errors import BadInput, BadUsage
from unslow.core.estimate import Estimate

TURN_PAIRS_PER_PROCESS = 25
"""Turn pairs of one process pair; their median then adds little to what the processes differ by."""
TURN_PAIRS_WHEN_CLEAR = 18
"""Their median is 1.2 times as noisy, which matters little beside a difference of a fifth and more."""
PROCESS_PAIRS = 8
PROCESS_PAIRS_WHEN_CLEAR = 3
CLEAR_SPEEDUP = 1.2
"""A race's lower bound from which 3 process pairs are enough, although their t quantile is 4.3."""


def process_pairs_for(race_speedup: Estimate) -> int:
    """How many fresh process pairs the finals need, by the interval of the race (unit "x")."""
    return PROCESS_PAIRS if race_speedup.low < CLEAR_SPEEDUP else PROCESS_PAIRS_WHEN_CLEAR


def turn_pairs_for(race_speedup: Estimate) -> int:
    """How many turn pairs each of those process pairs needs to tell that two workloads differ, and by how much."""
    return TURN_PAIRS_PER_PROCESS if race_speedup.low < CLEAR_SPEEDUP else TURN_PAIRS_WHEN_CLEAR


def finals_estimate(process_medians: Sequence[float] | NDArray[np.float64], level: float = 0.95) -> Estimate:
    """The speed-up (unit "x") by a t-interval over one median log-ratio a process pair; `n` counts those pairs.

    One process pair alone says nothing of how processes differ: its interval is unbounded. Raises `BadInput` for a
    log-ratio that is not finite and `BadUsage` for none at all.
    """
    medians = _finite(process_medians, "log-ratio")
    _check_open_unit(level, "confidence level")
    n = int(medians.size)
    mean = float(medians.mean())
    if n == 1:
        return Estimate(mean, -math.inf, math.inf, level, n, "log").exp()
    half_width = t_quantile(0.5 + level / 2, n - 1) * float(medians.std(ddof=1)) / math.sqrt(n)
    return Estimate(mean, mean - half_width, mean + half_width, level, n, "log").exp()


def percentile_interval(
    samples: Sequence[float] | NDArray[np.float64], q: float, level: float = 0.95, unit: str = "ms"
) -> Estimate:
    """The `q` quantile (0.99: p99) of durations in `unit`, with the interval between two of their order statistics.

    The number of samples below the quantile is binomial, so the interval needs no shape for the tail (Hahn & Meeker,
    *Statistical Intervals*, 1991, section 5.2); its two sides share `1 - level` evenly. With too few samples `high`
    is infinite (p99 at 95 % needs 368) and `low` is 0. It takes the samples for independent: where neighbours
    resemble each other, as in one process and one period of load, it is approximate and too narrow.
    """
    durations = np.sort(_finite(samples, "duration"))
    _check_open_unit(level, "confidence level")
    _check_open_unit(q, "quantile")
    if durations[0] < 0:
        raise BadInput(f"A duration is {durations[0]}.", "Give durations of zero and above.")
    n = int(durations.size)
    point = float(durations[math.ceil(n * q - _ROUNDING) - 1])
    below = _binomial_probabilities(n, q)
    allowed = (1 - level) / 2
    # The low end is the largest x(l) with P(fewer than l below) <= allowed; the high end mirrors it.
    low_rank = int(np.searchsorted(np.cumsum(below), allowed, side="right"))
    high_rank = n + 1 - int(np.searchsorted(np.cumsum(below[::-1]), allowed, side="right"))
    low = float(durations[low_rank - 1]) if low_rank >= 1 else 0.0
    high = float(durations[high_rank - 1]) if high_rank <= n else math.inf
    return Estimate(point, low, high, level, n, unit)


def t_quantile(probability: float, degrees: int) -> float:
    """The quantile of Student's t for a `probability` in (0.5, 1) and whole `degrees` of freedom.

    By bisection on the finite series for the probability of `|t|` (Abramowitz & Stegun, *Handbook of Mathematical
    Functions*, 26.7.3 and 26.7.4); scipy is not needed where unslow runs.
    """
    if not 0.5 < probability < 1 or degrees < 1:
        raise BadUsage(f"No t quantile for {probability}, {degrees}.", "Give 0.5 < probability < 1, degrees >= 1.")
    low, high = 0.0, math.pi / 2
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        if _probability_within(middle, degrees) < 2 * probability - 1:
            low = middle
        else:
            high = middle
    return math.sqrt(degrees) * math.tan((low + high) / 2)


def percentile_over_processes(
    samples: Sequence[Sequence[float]], q: float, level: float = 0.95, unit: str = "ms"
) -> Estimate:
    """The `q` quantile of durations from several processes, one list each; the interval holds for other processes too.

    Two things are unknown: the tail, of which few calls were seen, and how processes differ. Each has its interval
    about the quantile of all calls together: their order statistics (`percentile_interval`), and Student's t over the
    logarithms of each process's own quantile. Their half-widths (of the logarithm) are added as squares, as those of
    independent errors are. One process alone has no upper end. Simulated for 8 processes of 50 calls, a process effect
    of 10 %: the upper end covers p99 in 98 of 100 runs, that of all calls together in 93.
    """
    together = percentile_interval([duration for process in samples for duration in process], q, level, unit)
    own = [max(percentile_interval(process, q, level, unit).point, _TINY) for process in samples]
    apart = finals_estimate(np.log(own), level)
    point = max(together.point, _TINY)
    low = math.hypot(_log_ratio(point, together.low), _log_ratio(apart.point, apart.low))
    high = math.hypot(_log_ratio(together.high, point), _log_ratio(apart.high, apart.point))
    return replace(together, low=point * math.exp(-low), high=point * math.exp(high))


def _log_ratio(a: float, b: float) -> float:
    return math.log(a / b) if b > 0 else math.inf


_BISECTIONS = 60
_ROUNDING = 1e-9
_TINY = 1e-12


def _probability_within(angle: float, degrees: int) -> float:
    """P(|T| < t), where `angle` is atan(t / sqrt(degrees))."""
    cosine = math.cos(angle)
    odd = degrees % 2
    term = cosine if odd else 1.0
    total = term if degrees > 1 else 0.0
    for k in range(2 + odd, degrees - 1, 2):
        term *= (k - 1) / k * cosine**2
        total += term
    series = math.sin(angle) * total
    return 2 / math.pi * (angle + series) if odd else series


def _binomial_probabilities(n: int, q: float) -> NDArray[np.float64]:
    """P(B = 0), ..., P(B = n) for B binomial; by logarithms, since q**n underflows."""
    k = np.arange(1, n + 1, dtype=np.float64)
    steps = np.log((n + 1 - k) / k) + math.log(q / (1 - q))
    logs = n * math.log1p(-q) + np.concatenate([[0.0], np.cumsum(steps)])
    return np.exp(logs)


def _finite(values: Sequence[float] | NDArray[np.float64], name: str) -> NDArray[np.float64]:
    array = np.asarray(values, dtype=np.float64)
    if array.size == 0:
        raise BadUsage(f"There is no {name} to estimate from.", "Measure at least one.")
    if not bool(np.isfinite(array).all()):
        raise BadInput(f"A {name} is not a finite number.", "Give finite numbers.")
    return array


def _check_open_unit(value: float, name: str) -> None:
    if not 0 < value < 1:
        raise BadUsage(f"The {name} is {value}.", "Give a number above 0 and below 1.")
