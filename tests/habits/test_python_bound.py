from __future__ import annotations

from dataclasses import replace

import pytest

from handmade import EMPTY, Op, evidence, facts, found, machine, noted, op, script, step, the
from unslow.habits.python_bound import FLOOR, HABIT, HIGH_SHARE

FLOORED = machine(floors={FLOOR: 0.25})


def test_little_python_is_left_alone() -> None:
    assert not found(HABIT, evidence(step(op("aten::mm", 86)), on=FLOORED), evidence(EMPTY, on=FLOORED))


def test_waiting_is_not_python() -> None:
    assert not found(HABIT, evidence(step(op("read", 60, category="data"), op("aten::mm", 30)), on=FLOORED))


def test_a_loop_over_rows_is_another_habits() -> None:
    assert not found(HABIT, evidence(step(python("rows", 1800), us=2000), script()))
    rest = the(HABIT, evidence(step(python("rows", 1000), python("main", 800, 40), us=2000), script()))
    assert rest.share == pytest.approx(0.5)


def test_a_script_whose_stack_was_not_sampled() -> None:
    assert not found(HABIT, evidence(step(us=2000, source="script"), script()))


def python(function: str, us: float, line: int = 12) -> Op:
    stack = ["train.py:50 <module>", f"train.py:{line} {function}"]
    return op(function, us, "", category="framework", file="train.py", line=line, stack=stack, sampled=True)


def test_starting_operators_counts() -> None:
    small = step(*(op("aten::relu", 9) for _ in range(10)))
    finding = the(HABIT, evidence(small, facts(dispatch_seconds=2e-6), FLOORED))
    assert finding.share == pytest.approx(0.1 + 0.2)
    assert finding.floor == 0.25
    assert finding.evidence["operators_per_request"] == 10


def test_the_threshold_itself_counts() -> None:
    at = step(op("aten::mm", 100 - 100 * HIGH_SHARE))
    assert the(HABIT, evidence(at, on=FLOORED)).share == pytest.approx(HIGH_SHARE)


def test_a_plain_function_is_unbounded_and_its_line_is_named() -> None:
    rows = op("rows", 60, "", category="framework", file="serve.py", line=12)
    other = op("other", 20, "", category="framework", file="serve.py", line=40)
    finding = the(HABIT, evidence(step(other, rows, source="steps"), facts("function"), FLOORED))
    assert finding.ceiling is None
    assert finding.site == "serve.py:12"
    assert finding.evidence["busiest_function"] == "rows"


def test_is_unbounded_where_nothing_was_measured() -> None:
    assert the(HABIT, evidence(step(op("aten::mm", 50)))).ceiling is None


def test_what_loads_or_stacks_is_another_habits() -> None:
    stacks = replace(noted("arrays", line=12, call="tensor"), times_in_steps=9)
    assert not found(HABIT, evidence(step(python("<module>", 1800), us=2000), script(noted=(stacks,))))


def test_a_long_node_of_the_backward_pass_starts_nothing() -> None:
    node = "autograd::engine::evaluate_function: MkldnnRnnLayerBackward0"
    frees, starts = (Op(node, 1800, "framework", {"calls": calls}) for calls in (1, 100))
    assert not found(HABIT, evidence(step(frees, us=2000), on=FLOORED))
    assert the(HABIT, evidence(step(starts, us=2000), on=FLOORED)).share == pytest.approx(1)
