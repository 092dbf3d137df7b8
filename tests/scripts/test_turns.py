"""The plan that answers turns in the middle of a script, driven step by step."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from unslow.scripts.counting import Counting
from unslow.scripts.turns import WARM_STEPS, turns


class FakeLine:
    """Hands out jobs, keeps answers; where no job is left it ends the test's script."""

    def __init__(self, jobs: Iterable[tuple[str, dict[str, Any]]]) -> None:
        self.jobs, self.answers, self.failures = list(jobs), list[Any](), list[Exception]()

    def receive(self) -> tuple[str, dict[str, Any]]:
        if not self.jobs:
            raise EndOfTest
        return self.jobs.pop(0)

    def tell(self, text: str) -> None:
        raise AssertionError("A turn tells nothing while it is timed.")

    def answer(self, result: Any) -> None:
        self.answers.append(result)

    def fail(self, error: Exception) -> None:
        self.failures.append(error)


class EndOfTest(Exception):
    """All jobs are done."""


EACH = Counting(together=4)


def steps_taken(
    line: FakeLine, kinds: Iterable[str] = (), ahead: int = 0, warm: int = 0, counting: Counting = EACH
) -> int:
    """How many steps the script takes until all jobs are answered."""
    plan = turns(line, "optimizer", counting, 0.0, lambda: ahead, warm)  # type: ignore[arg-type]
    next(plan)
    taken = 0
    with pytest.raises(EndOfTest):
        while True:
            taken += 1
            for kind in kinds:
                plan.send(kind)  # type: ignore[arg-type]
            plan.send("optimizer")
    return taken


def turn(count: int) -> tuple[str, dict[str, Any]]:
    return "turn", {"start": 1, "count": count, "untimed": 1}


def test_it_is_open_after_a_few_steps() -> None:
    line = FakeLine([])
    assert steps_taken(line) == WARM_STEPS + 1
    assert line.answers[0]["granularity"] == 4


def test_a_variant_that_must_fill_a_cache_first_takes_more() -> None:
    assert steps_taken(FakeLine([]), warm=20) == 21


def test_a_turn_counts_its_own_steps_alone() -> None:
    line = FakeLine([turn(3), turn(5)])
    assert steps_taken(line, kinds=["forward", "loader"]) == WARM_STEPS + 1 + (1 + 3) + (1 + 5)
    assert [answer["requests"] for answer in line.answers[1:]] == [3, 5]
    assert [len(answer["call_seconds"]) for answer in line.answers[1:]] == [3, 5]
    assert all(answer["seconds"] == pytest.approx(sum(answer["call_seconds"])) for answer in line.answers[1:])


def test_what_was_fetched_ahead_is_used_up_before_the_clock_runs() -> None:
    assert steps_taken(FakeLine([turn(3)]), ahead=6) == WARM_STEPS + 1 + 6 + 3


def test_larger_steps_count_for_several() -> None:
    line = FakeLine([turn(12)])
    assert steps_taken(line, counting=Counting(1, 4)) == WARM_STEPS + 1 + (1 + 3)
    opened, answer = line.answers
    assert opened["granularity"] == 4 and answer["requests"] == 12
    assert answer["seconds"] == pytest.approx(4 * sum(answer["call_seconds"]))


def test_it_answers_nothing_but_turns() -> None:
    line = FakeLine([("judge", {}), turn(1)])
    steps_taken(line)
    assert len(line.failures) == 1 and len(line.answers) == 2
