from __future__ import annotations

import pytest

from handmade import EMPTY, evidence, facts, found, machine, op, step, the
from unslow.habits.subnormal_numbers import FLOOR, HABIT, LEAST_SUBNORMAL_SHARE, floor_from

SLOW = machine(floors={FLOOR: 0.02})
STEP = step(op("aten::addmm", 50), op("aten::mul", 20), op("aten::copy_", 20))
MANY = facts(subnormal_share=0.1)


def test_a_few_are_left_alone() -> None:
    assert not found(HABIT, evidence(STEP, facts(subnormal_share=LEAST_SUBNORMAL_SHARE / 2), SLOW))


def test_says_nothing_where_they_cost_nothing() -> None:
    assert not found(HABIT, evidence(STEP, MANY, machine(floors={FLOOR: 1.0})))


def test_copies_do_no_arithmetic() -> None:
    assert not found(HABIT, evidence(step(op("aten::copy_", 90), op("aten::embedding", 5)), MANY, SLOW))


def test_arithmetic_is_at_stake() -> None:
    finding = the(HABIT, evidence(STEP, MANY, SLOW))
    assert finding.share == pytest.approx(0.7)
    assert finding.floor == pytest.approx(0.02)
    assert finding.title.startswith("10 % of the values are subnormal")


def test_few_values_meet_few_instructions() -> None:
    assert floor_from(0.02, 1e-3) == pytest.approx(1 / (1 - 0.016 + 0.016 / 0.02))
    assert floor_from(0.02, 1e-4) > floor_from(0.02, 1e-3) > floor_from(0.02, 1.0) == pytest.approx(0.02)
    assert "0.03 %" in the(HABIT, evidence(STEP, facts(subnormal_share=0.0003), SLOW)).title


def test_is_unbounded_without_figures_or_profile() -> None:
    assert the(HABIT, evidence(STEP, MANY)).ceiling is None
    assert the(HABIT, evidence(EMPTY, MANY, SLOW)).ceiling is None
