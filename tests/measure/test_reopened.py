"""A script's process that is started again where the script has ended."""

from __future__ import annotations

from typing import Any

import pytest

from unslow.core.errors import WorkerFailed
from unslow.measure.reopened import Reopened
from unslow.processes.base import Process

TURN = {"seconds": 0.3, "requests": 3}


class Run(Process):
    """One run of a script that has so many turns in it; then each answer says that it has ended."""

    def __init__(self, turns: int, number: int) -> None:
        self.turns, self.number = turns, number
        self.diary: list[str] = []
        self.closed = False

    def ask(self, job: str, timeout_s: float, **arguments: Any) -> Any:
        assert not self.closed
        self.diary.append(job)
        if job == "open":
            return {"opened": arguments["survey"]}
        self.turns -= 1
        return TURN if self.turns >= 0 else {"ended": True}

    def suspend(self) -> None:
        self.diary.append("suspend")

    def resume(self) -> None:
        self.diary.append("resume")

    def close(self) -> None:
        self.closed = True

    @property
    def peak_memory_bytes(self) -> int:
        return 10 * self.number


class Runs:
    """Starts runs with so many turns each."""

    def __init__(self, *turns: int) -> None:
        self.turns, self.started = list(turns), list[Run]()

    def __call__(self) -> Process:
        self.started.append(Run(self.turns.pop(0), len(self.started) + 1))
        return self.started[-1]


def test_nothing_is_started_again_while_turns_last() -> None:
    runs = Runs(3)
    process = Reopened(runs)
    assert process.ask("open", 1.0, survey="s") == {"opened": "s"}
    assert [process.ask("turn", 1.0) for _ in range(3)] == [TURN] * 3
    assert len(runs.started) == 1


def test_where_the_script_has_ended_a_fresh_one_is_opened_alike_and_asked_again() -> None:
    runs = Runs(1, 2)
    process = Reopened(runs)
    process.ask("open", 1.0, survey="s")
    assert [process.ask("turn", 1.0) for _ in range(3)] == [TURN] * 3
    assert runs.started[0].closed and not runs.started[1].closed
    assert runs.started[1].diary == ["open", "turn", "turn"]


def test_a_script_that_is_too_short_for_a_turn() -> None:
    process = Reopened(Runs(0, 0, 0))
    process.ask("open", 1.0, survey="s")
    with pytest.raises(WorkerFailed, match="before one turn"):
        process.ask("turn", 1.0)


def test_the_living_one_is_suspended_and_resumed_and_closed() -> None:
    runs = Runs(0, 1)
    process = Reopened(runs)
    process.ask("open", 1.0, survey="s")
    process.ask("turn", 1.0)
    process.suspend()
    process.resume()
    process.close()
    assert runs.started[1].diary[-2:] == ["suspend", "resume"] and runs.started[1].closed
    assert process.peak_memory_bytes == 20
