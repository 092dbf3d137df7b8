"""How the micro-benchmarks measure: two calls in turns, a ratio per pair, the optimistic end of their median."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence

Clock = Callable[[], float]
Call = Callable[[], object]

PAIRS = 9
TURN_SECONDS = 0.004
TURN_CALLS = 5
LEVEL = 0.95
HOPELESS, HOPELESS_PAIRS = 2.0, 3
"""A change that doubles the time in each of the first three pairs gains nothing: how much it loses is not worth more
seconds (bfloat16 convolutions, emulated, take most of a first run's wait)."""


def seconds_per_call(
    call: Call,
    clock: Clock = time.perf_counter,
    reduce: Callable[[Sequence[float]], float] = min,
    turn_seconds: float = TURN_SECONDS,
) -> float:
    """The shortest call (or `reduce` of all) of a turn: at least `TURN_CALLS` calls and `turn_seconds`.

    The shortest, since other work on the machine only ever adds to the time of a kernel.
    """
    samples: list[float] = []
    begin = last = clock()
    while len(samples) < TURN_CALLS or last - begin < turn_seconds:
        call()
        now = clock()
        samples.append(now - last)
        last = now
    return reduce(samples)


def seconds_in_one_turn(call: Call) -> list[float]:
    """One turn, as the only sample, after a call that is not counted: another process has had the caches meanwhile."""
    call()
    return [seconds_per_call(call)]


def ratios_in_turns(
    changed: Call, original: Call, pairs: int = PAIRS, rows: int = 1, clock: Clock = time.perf_counter
) -> list[float]:
    """Time of `changed` ÷ (`rows` · time of `original`), one ratio per pair of turns; the order swaps with each pair.

    The turn of each before the first pair warms up and is not counted. What is hopeless is not measured to the end.
    """
    seconds_per_call(changed, clock)
    seconds_per_call(original, clock)
    ratios: list[float] = []
    for pair in range(pairs):
        if pair % 2:
            after, before = seconds_per_call(changed, clock), seconds_per_call(original, clock)
        else:
            before, after = seconds_per_call(original, clock), seconds_per_call(changed, clock)
        ratios.append(after / (rows * before))
        if len(ratios) == HOPELESS_PAIRS and min(ratios) >= HOPELESS:
            break
    return ratios


def optimistic(ratios: Sequence[float], level: float = LEVEL) -> float:
    """The lower end of the median's interval at `level`: the floor that is used in "the most that can be gained".

    The k-th smallest, with the largest k for which `P(Binomial(n, 1/2) < k) <= (1 - level) / 2` (the sign interval of a
    median, free of assumptions on the noise; Conover, *Practical Nonparametric Statistics*, 3.2); for 9 pairs and 95 %
    the second smallest. With fewer than 6 ratios it is the smallest.

    Raises
    ------
    ValueError
        There are no ratios.
    """
    if not ratios:
        raise ValueError("no ratios")
    count = len(ratios)
    tail, k = 0.0, 0
    while k < count:
        tail += math.comb(count, k) / 2**count
        if tail > (1 - level) / 2:
            break
        k += 1
    return sorted(ratios)[max(k, 1) - 1]


def best(*samples: list[float]) -> list[float]:
    """Of several sizes or kernels measured for one floor, the ratios of the one that gains most."""
    return min(samples, key=optimistic)
