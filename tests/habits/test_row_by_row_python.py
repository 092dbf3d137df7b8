from __future__ import annotations

from dataclasses import replace

import pytest

from handmade import EMPTY, Op, evidence, found, noted, op, script, step, the
from unslow.core.finding import Evidence
from unslow.core.profile import Category
from unslow.habits.row_by_row_python import HABIT


def sample(us: float, line: int, innermost: str = "", category: Category = "framework") -> Op:
    stack = ["train.py:30 main", f"train.py:{line} pairs", *([innermost] if innermost else [])]
    return op("pairs", us, "", category=category, file="train.py", line=line, stack=stack, sampled=True)


def of(*ops: Op, us: float = 2000) -> Evidence:
    """A step of 2 ms."""
    return evidence(step(*ops, us=us), script())


def test_no_python_of_the_scripts_own() -> None:
    native = sample(900, 12, category="compute")
    in_a_library = sample(900, 12, "json/decoder.py:3 decode")
    assert not found(HABIT, of(native), of(in_a_library), evidence(EMPTY, script()), evidence())


def test_too_little_of_it() -> None:
    assert not found(HABIT, of(sample(200, 12)), of(sample(100, 12), us=200))


def test_starting_operators_is_no_loop() -> None:
    operators = Op("aten::add", 400, "compute", {"op": "aten::add", "calls": 1})
    many = Op("aten::add", 400, "compute", {"op": "aten::add", "calls": 60})
    assert not found(HABIT, of(sample(800, 12), many))
    assert found(HABIT, of(sample(800, 12), operators))


def test_a_model_is_another_habits() -> None:
    assert not found(HABIT, of(Op("forward", 900, "framework", {"phase": "forward"}, (sample(900, 12),))))


def test_the_longest_line_of_the_longest_function_is_named() -> None:
    finding = the(HABIT, of(sample(300, 12), sample(500, 13), sample(100, 14)))
    assert finding.site == "train.py:13" and finding.share == pytest.approx(0.45) and finding.floor is None
    assert "a loop of Python in pairs" in finding.title and "900 µs" in finding.title


@pytest.mark.parametrize("function", ["iterrows", "itertuples", "apply_series_generator"])
def test_rows_of_pandas(function: str) -> None:
    finding = the(HABIT, of(sample(100, 12, f"pandas/core/frame.py:1 {function}", "compute")))
    assert finding.site == "train.py:12" and finding.share == pytest.approx(0.05) and "pandas" in finding.title


def test_lines_that_other_habits_explain() -> None:
    stacks, loads = noted("arrays", line=12, call="tensor"), noted("load", line=12, again=True)
    for known in (stacks, loads):
        explained = script(noted=(replace(known, times_in_steps=9),))
        assert not found(HABIT, evidence(step(sample(900, 12), us=2000), explained))
        assert found(HABIT, evidence(step(sample(900, 13), us=2000), explained))


def test_calls_of_numpy_for_a_moment_are_part_of_the_loop() -> None:
    within = sample(900, 12, "numpy/_core/_methods.py:3 _mean")
    assert not found(HABIT, of(within))
    brief = replace(within, details={**within.details, "times_per_step": 178})
    assert the(HABIT, of(brief)).site == "train.py:12"
