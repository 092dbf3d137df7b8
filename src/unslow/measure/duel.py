"""Two workloads in turns against each other: first as long as it takes to see how far they are apart, then in fresh
pairs."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

import numpy as np

from unslow.core.estimate import Estimate
from unslow.core.events import Event, Listener
from unslow.core.options import Options
from unslow.measure.bench import Opened
from unslow.measure.finals import CLEAR_SPEEDUP, finals_estimate, process_pairs_for, turn_pairs_for
from unslow.measure.race import RaceInterval, pairs_needed
from unslow.measure.turns import TurnPair, turn_pairs

MOST_RACE_PAIRS = 40
SIZING_ALPHA = 0.2
"""Of the race's interval, which only says how many processes are needed; the claim is made from those alone."""


class Opens(Protocol):
    """Opens one of the two in a fresh process."""

    def __call__(self) -> Opened: ...


@dataclass(frozen=True)
class Fought:
    """The pairs of turns of each pair of processes, and the figures of both sides. The first pair is the race's."""

    race: tuple[TurnPair, ...]
    rounds: tuple[tuple[TurnPair, ...], ...]
    setup_s: tuple[float, float]
    peak_memory_bytes: tuple[int, int]

    def estimate(self, options: Options) -> Estimate:
        """How many times faster the second is, over the process pairs that the race did not use."""
        return finals_estimate([_median(pairs, options) for pairs in self.rounds])


@dataclass(frozen=True)
class _Round:
    """One pair of fresh processes."""

    pairs: tuple[TurnPair, ...]
    setup_s: tuple[float, float]
    peak: tuple[int, int]


Taker = Callable[[Iterator[TurnPair]], Iterable[TurnPair]]


def duel(
    open_a: Opens, open_b: Opens, options: Options, listener: Listener, most_pairs: int = MOST_RACE_PAIRS
) -> Fought:
    """One pair of processes says how many more are needed; those alone give the interval. None of them takes more than
    `most_pairs` pairs of turns."""
    first = _round(open_a, open_b, lambda pairs: _race(islice(pairs, most_pairs), options, listener), options, 0)
    interval = _interval(first.pairs, options)
    rounds: list[_Round] = []
    apart = _away_from_one(interval)
    each = min(turn_pairs_for(apart), most_pairs)
    for number in range(process_pairs_for(apart)):
        rounds.append(_round(open_a, open_b, lambda pairs: islice(pairs, each), options, number + 1))
        estimate = finals_estimate([_median(done.pairs, options) for done in rounds])
        listener(Event("finals", "fresh processes", "b", estimate, len(rounds)))
    peaks = [done.peak for done in (first, *rounds)]
    return Fought(
        first.pairs,
        tuple(done.pairs for done in rounds),
        first.setup_s,
        (max(a for a, _ in peaks), max(b for _, b in peaks)),
    )


def _round(open_a: Opens, open_b: Opens, take: Taker, options: Options, number: int) -> _Round:
    a = open_a()
    with a.process:
        b = open_b()
        with b.process:
            pairs = tuple(take(turn_pairs(a.side, b.side, options.seed * 7919 + number)))
            peak = (a.process.peak_memory_bytes, b.process.peak_memory_bytes)
            return _Round(pairs, (a.setup_s, b.setup_s), peak)


def _race(pairs: Iterator[TurnPair], options: Options, listener: Listener) -> Iterator[TurnPair]:
    """Pairs until it is clear how many processes are needed."""
    interval = RaceInterval(SIZING_ALPHA)
    for number, pair in enumerate(pairs, start=1):
        yield pair
        interval = interval.updated(pair.log_ratio(options.objective))
        estimate = interval.estimate.exp()
        listener(Event("race", "one pair of processes", "b", estimate, number))
        apart = _away_from_one(estimate)
        sized = number >= pairs_needed(SIZING_ALPHA) and (apart.low >= CLEAR_SPEEDUP or apart.high < CLEAR_SPEEDUP)
        if sized or number >= MOST_RACE_PAIRS:
            return


def _interval(pairs: Iterable[TurnPair], options: Options) -> Estimate:
    interval = RaceInterval(SIZING_ALPHA)
    for pair in pairs:
        interval = interval.updated(pair.log_ratio(options.objective))
    return interval.estimate.exp()


def _away_from_one(ratio: Estimate) -> Estimate:
    """The ratio, or its inverse, whichever is above 1: slower by half is as clear as faster by half."""
    return ratio if ratio.point > 1 else _inverse(ratio)


def _inverse(ratio: Estimate) -> Estimate:
    low, high = 1 / ratio.high, 1 / ratio.low if ratio.low else math.inf
    return Estimate(1 / ratio.point, low, high, ratio.level, ratio.n)


def _median(pairs: Iterable[TurnPair], options: Options) -> float:
    return float(np.median([pair.log_ratio(options.objective) for pair in pairs]))
