"""Latencies under a stated load: a closed loop, or an open loop at a rate, without coordinated omission.

In a closed loop a client sends the next request when it has its answer, so a slow answer holds back the requests that
would have waited behind it, and the worst latencies are never seen (Tene, *How NOT to Measure Latency*, 2013:
coordinated omission). In an open loop requests arrive when they arrive, and a latency counts from the arrival.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from itertools import accumulate

Answers = Callable[[Sequence[int]], object]


def closed_loop(
    answer: Answers, places: Sequence[int], group: int, clock: Callable[[], float] = time.perf_counter
) -> list[float]:
    """Seconds of each request, `group` of them at a time, the next group as soon as the last is answered."""
    latencies: list[float] = []
    for start in range(0, len(places), group):
        started, chosen = clock(), places[start : start + group]
        answer(chosen)
        latencies += [clock() - started] * len(chosen)
    return latencies


def open_loop(
    answer: Answers,
    places: Sequence[int],
    group: int,
    rate: float,
    seed: int = 0,
    clock: Callable[[], float] = time.perf_counter,
    sleep: Callable[[float], None] = time.sleep,
) -> list[float]:
    """Seconds from each request's arrival to its answer, at `rate` arrivals a second on average (a Poisson process).

    Requests are answered in the order of arrival; when the model is free it takes those that wait, up to `group`.
    """
    coin = random.Random(seed)
    arrivals = list(accumulate(coin.expovariate(rate) for _ in places))
    started, latencies = clock(), list[float]()
    while len(latencies) < len(places):
        first = len(latencies)
        now = clock() - started
        if arrivals[first] > now:
            sleep(arrivals[first] - now)
            now = clock() - started
        waiting = sum(1 for arrival in arrivals[first : first + group] if arrival <= now)
        last = first + max(1, waiting)
        answer(places[first:last])
        finished = clock() - started
        latencies += [finished - arrival for arrival in arrivals[first:last]]
    return latencies
