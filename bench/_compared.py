"""`unslow compare`, with the seconds that its turns took: what the bars about detecting changes are stated in."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any, final

import numpy as np

from bench._common import HERE
from unslow.core.comparison import Comparison
from unslow.core.events import silent
from unslow.core.options import Options
from unslow.processes.base import Conditions, Process, Processes
from unslow.processes.local import LocalProcesses
from unslow.verbs.compare import compare


@dataclass(frozen=True)
class Compared:
    """What a bar keeps of a comparison. `turn_s`: seconds of both sides' turns after warm-up."""

    verdict: str
    point: float
    low: float
    high: float
    process_medians: tuple[float, ...]
    turn_s: float
    elapsed_s: float
    reason: str = ""


def compared(a: str, b: str, seed: int, noise: float = 0.02) -> Compared:
    """Compare two targets, every turn on the clock."""
    clocked = ClockedProcesses()
    found: Comparison = compare(a, b, options=Options(seed=seed, noise=noise), listener=silent, processes=clocked)
    medians = tuple(float(np.median(ratios)) for ratios in found.log_ratios)
    speed = found.speedup
    ends = (speed.point, speed.low, speed.high) if speed else (0.0, 0.0, 0.0)
    return Compared(found.verdict, *ends, medians, clocked.turn_seconds(), found.elapsed_s, found.reason)


def work(name: str) -> str:
    """A workload of `bench/workloads.py` as a target."""
    return f"{HERE}/workloads.py:{name}"


@dataclass
class ProcessTurns:
    """The wall seconds of one process's turns, in order, and when its first began."""

    seconds: list[float] = field(default_factory=list[float])
    began: list[float] = field(default_factory=list[float])


@final
class ClockedProcesses(Processes):
    """Local processes that note how long each turn took. They are started in pairs: first a's, then b's."""

    def __init__(self) -> None:
        self._local = LocalProcesses()
        self._turns: list[ProcessTurns] = []

    def start(self, conditions: Conditions) -> Process:
        self._turns.append(ProcessTurns())
        return _Clocked(self._local.start(conditions), self._turns[-1])

    def turn_seconds(self) -> float:
        """Of all turns that were pairs. b warms up while a waits, so a's turns after b's first are those of pairs."""
        return sum(seconds_of_pairs(a, b) for a, b in zip(self._turns[::2], self._turns[1::2], strict=False))


def seconds_of_pairs(a: ProcessTurns, b: ProcessTurns) -> float:
    if not b.began:
        return 0.0
    mine = [seconds for seconds, began in zip(a.seconds, a.began, strict=True) if began > b.began[0]]
    return sum(mine) + (sum(b.seconds[-len(mine) :]) if mine else 0.0)


@final
class _Clocked(Process):
    def __init__(self, process: Process, turns: ProcessTurns) -> None:
        self._process = process
        self._turns = turns

    def ask(self, job: str, timeout_s: float, **arguments: Any) -> Any:
        began = time.monotonic()
        answer = self._process.ask(job, timeout_s, **arguments)
        if job == "turn":
            self._turns.began.append(began)
            self._turns.seconds.append(time.monotonic() - began)
        return answer

    def suspend(self) -> None:
        self._process.suspend()

    def resume(self) -> None:
        self._process.resume()

    def close(self) -> None:
        self._process.close()

    @property
    def peak_memory_bytes(self) -> int:
        return self._process.peak_memory_bytes
