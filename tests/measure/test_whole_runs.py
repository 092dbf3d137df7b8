"""A script whose turns are whole runs: a fresh process for each, and none between them."""

from __future__ import annotations

from typing import Any

import pytest

from unslow.core.errors import BadUsage, WorkerFailed
from unslow.measure.turns import turn_length
from unslow.measure.whole_runs import WholeRuns
from unslow.processes.base import Process

OPEN = {"workload": {}, "facts": {}, "survey": "s", "bundle": "", "order": [0], "original": True}
RUN = {"seconds": 6.0, "cpu_seconds": 5.0, "requests": 12, "call_seconds": [0.5] * 12}


class Run(Process):
    def __init__(self, number: int, fails: bool) -> None:
        self.number, self.fails = number, fails
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.closed = False

    def ask(self, job: str, timeout_s: float, **arguments: Any) -> Any:
        self.asked.append((job, arguments))
        if self.fails:
            raise WorkerFailed("It raised.", "")
        return RUN

    def suspend(self) -> None:
        raise AssertionError("a run is never stopped")

    resume = suspend

    def close(self) -> None:
        self.closed = True

    @property
    def peak_memory_bytes(self) -> int:
        return 10 * self.number


class Runs:
    def __init__(self, *failing: int) -> None:
        self.failing, self.started = failing, list[Run]()

    def __call__(self) -> Process:
        number = len(self.started) + 1
        self.started.append(Run(number, number in self.failing))
        return self.started[-1]


def test_opening_starts_nothing() -> None:
    runs = Runs()
    WholeRuns(runs, 6.0).ask("open", 1.0, **OPEN)
    assert not runs.started


def test_another_job_is_misuse() -> None:
    with pytest.raises(BadUsage):
        WholeRuns(Runs(), 6.0).ask("load", 1.0)


def test_each_turn_is_one_run_of_a_process_of_its_own() -> None:
    runs = Runs()
    process = WholeRuns(runs, 6.0)
    process.ask("open", 1.0, **OPEN)
    side = process.side(None)
    length = turn_length(side, side)
    turns = [side.turn(1, length, length * side.seconds) for _ in range(2)]
    assert [turn.seconds for turn in turns] == [6.0, 6.0] and turns[0].requests == 12
    assert [run.asked for run in runs.started] == [
        [("run", {k: OPEN[k] for k in ("workload", "facts", "survey", "bundle")})]
    ] * 2
    assert all(run.closed for run in runs.started) and process.peak_memory_bytes == 20


def test_a_run_that_fails_leaves_no_process() -> None:
    runs = Runs(1)
    process = WholeRuns(runs, 6.0)
    process.ask("open", 1.0, **OPEN)
    with pytest.raises(WorkerFailed):
        process.side(None).turn(1, 3, 6.0)
    assert runs.started[0].closed
    process.close()
