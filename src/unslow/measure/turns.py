"""Drives two processes in turns: pairs of turns on the same requests, the order of each pair by a seeded coin."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from unslow.core.variant import Objective
from unslow.measure.energy import NO_METER, Meter
from unslow.measure.warmup import MOST_TURNS, speeding_up, warmed_up

TURN_STEPS = 3
TURN_SECONDS = 0.04
UNTIMED_STEPS = 1
"""The first step after a resume finds cold caches and sleeping threads: it is answered, and not counted."""
LEAST_TIMEOUT_S = 20.0
TIMEOUT_TIMES = 60


@dataclass(frozen=True)
class Turn:
    """The wall and CPU seconds that `requests` requests took, and those of each call of the model.

    `joules` is their part of what the processor took in the turn, in which untimed requests were answered too; None
    where the machine does not tell, or nobody asked.
    """

    seconds: float
    cpu_seconds: float
    requests: int
    call_seconds: tuple[float, ...]
    joules: float | None = None


@dataclass(frozen=True)
class TurnPair:
    """Two turns on the same requests."""

    original: Turn
    variant: Turn

    def log_ratio(self, objective: Objective) -> float:
        """ln(original ÷ variant) of the seconds (CPU seconds for `cost`): above 0 the variant is faster."""
        if objective == "cost":
            return math.log(max(self.original.cpu_seconds, 1e-9) / max(self.variant.cpu_seconds, 1e-9))
        return math.log(max(self.original.seconds, 1e-9) / max(self.variant.seconds, 1e-9))


class Asked(Protocol):
    """The part of a process that turns need."""

    def ask(self, job: str, timeout_s: float, **arguments: Any) -> Any: ...
    def suspend(self) -> None: ...
    def resume(self) -> None: ...


@dataclass(frozen=True)
class Side:
    """A process that has opened its model and is suspended between turns.

    `seconds` is per request, as warm-up saw it. `patience_s` is after how long a turn hangs; None: see `timeout_of`.
    `still_warming`: its turns were still getting faster when the time for warming up was over.
    `meter` is read around each turn.
    """

    process: Asked
    seconds: float
    granularity: int = 1
    patience_s: float | None = None
    still_warming: bool = False
    meter: Meter = NO_METER

    def turn(self, start: int, count: int, expected_s: float) -> Turn:
        """Wake it, let it answer, and put it back to sleep at the step boundary that its answer is."""
        timeout_s = timeout_of(expected_s) if self.patience_s is None else self.patience_s
        untimed = max(UNTIMED_STEPS, self.granularity)
        before = self.meter.read()
        self.process.resume()
        try:
            answer = self.process.ask("turn", timeout_s, start=start, count=count, untimed=untimed)
        finally:
            self.process.suspend()
        joules = self.meter.joules(before, self.meter.read())
        if joules is not None:
            joules *= count / (count + untimed)
        return Turn(answer["seconds"], answer["cpu_seconds"], answer["requests"], tuple(answer["call_seconds"]), joules)


def timeout_of(expected_s: float) -> float:
    """After how long a turn hangs: far beyond what it should take, whatever the machine is doing."""
    return LEAST_TIMEOUT_S + TIMEOUT_TIMES * expected_s


def turn_length(original: Side, variant: Side) -> int:
    """Requests in a turn: at least 3 steps and 40 ms on the faster side, a multiple of what meets a model together."""
    fastest = max(min(original.seconds, variant.seconds), 1e-7)
    unit = math.lcm(original.granularity, variant.granularity)
    return unit * math.ceil(max(TURN_STEPS, TURN_SECONDS / fastest) / unit)


def turn_pairs(original: Side, variant: Side, seed: int, start: int = 0) -> Iterator[TurnPair]:
    """Pairs for ever. Request after request of the order that the processes were opened with, from place `start`."""
    coin = random.Random(seed)
    length = turn_length(original, variant)
    place = start + 1
    while True:
        turns: dict[bool, Turn] = {}
        first = coin.random() < 0.5
        for is_original in (first, not first):
            side = original if is_original else variant
            turns[is_original] = side.turn(place, length, length * side.seconds)
        yield TurnPair(turns[True], turns[False])
        place += length


def warm_up(
    process: Asked,
    granularity: int,
    guess_s: float,
    budget_s: float,
    clock: Callable[[], float],
    patience_s: float | None = None,
) -> Side:
    """Turns until their times show no trend, or `budget_s` is over. The process is suspended afterwards."""
    seconds = max(guess_s, 1e-7)
    place, started = 1, clock()
    per_request: list[float] = []
    while not warmed_up(per_request) and (clock() - started < budget_s or len(per_request) < 2):
        count = granularity * math.ceil(max(TURN_STEPS, TURN_SECONDS / seconds) / granularity)
        turn = Side(process, seconds, granularity, patience_s).turn(place, count, max(count * seconds, budget_s))
        per_request.append(turn.seconds / turn.requests)
        seconds = per_request[-1]
        place += count
    steady = sorted(per_request[-5:])[len(per_request[-5:]) // 2]
    cut_short = not warmed_up(per_request) or len(per_request) >= MOST_TURNS
    return Side(process, steady, granularity, patience_s, cut_short and speeding_up(per_request))
