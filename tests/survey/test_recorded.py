"""What is timed of a script's steps, by a plan that is sent their ends."""

from __future__ import annotations

from unslow.scripts.phases import Phases
from unslow.scripts.run import Plan
from unslow.survey.looks import ENOUGH
from unslow.survey.recorded import Recorded


def one_step() -> Plan:
    yield


def taken(steps: int) -> tuple[Recorded, Phases]:
    """After so many steps, in each of which something is printed."""
    phases = Phases()
    recorded = Recorded(phases, one_step)
    go_on(recorded, phases, steps)
    return recorded, phases


def go_on(recorded: Recorded, phases: Phases, steps: int) -> None:
    def plan() -> Plan:
        for _ in range(steps):
            yield from recorded.next()

    running = plan()
    next(running)
    for number in range(steps):
        phases.end(phases.begin("print", "train.py:3"))
        if number < steps - 1:
            running.send("step")
        else:
            running.close()


def test_nothing_is_timed_before_a_step_has_ended() -> None:
    recorded, _ = taken(1)
    assert (recorded.taken, recorded.steps, recorded.distortion()) == (0, [], None)


def test_spans_are_of_the_steps_that_are_looked_at() -> None:
    recorded, _ = taken(2 * ENOUGH + 1)
    assert len(recorded.steps) == len(recorded.bare) == ENOUGH
    for step, span in zip(recorded.steps, recorded.spans, strict=False):
        assert step["start_ns"] <= span.start_ns <= span.end_ns <= step["end_ns"]


def test_once_enough_was_seen_fewer_of_short_steps_are_looked_at() -> None:
    recorded, _ = taken(2 * ENOUGH + 80 + 1)
    assert len(recorded.steps) == ENOUGH + 10
    assert len(recorded.bare) == ENOUGH + 70
    assert recorded.taken == 2 * ENOUGH + 80


def test_beginning_anew_forgets_all_and_keeps_what_was_handed_out() -> None:
    recorded, phases = taken(20)
    spans = recorded.spans
    recorded.begin_anew()
    assert (recorded.taken, recorded.steps, recorded.bare, recorded.spans) == (0, [], [], [])
    assert spans
    go_on(recorded, phases, 5)
    assert recorded.taken == 4
