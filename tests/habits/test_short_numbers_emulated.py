from __future__ import annotations

import pytest

from handmade import EMPTY, evidence, facts, found, machine, op, step, the
from unslow.habits.short_numbers_emulated import HABIT

MATMUL, CONV = "bfloat16/float32:matmul", "bfloat16/float32:conv"
SLOWER = machine(floors={MATMUL: 5.0, CONV: 2.0})
STEP = step(op("aten::mm", 50, "bfloat16"), op("aten::mkldnn_convolution", 20, "bfloat16"), op("aten::mm", 10))


def test_a_processor_with_the_instructions() -> None:
    assert not found(HABIT, evidence(STEP, on=machine(floors={MATMUL: 0.4, CONV: 1.0})), evidence(STEP))


def test_float32_and_element_wise_work() -> None:
    other = step(op("aten::mm", 60), op("aten::relu", 30, "bfloat16"))
    assert not found(HABIT, evidence(other, on=SLOWER), evidence(EMPTY, on=SLOWER))


def test_too_little_of_it() -> None:
    assert not found(HABIT, evidence(step(op("aten::mm", 0.5, "bfloat16")), on=SLOWER))


def test_few_of_the_weights() -> None:
    some = facts(parameter_bytes={"bfloat16": 8, "float32": 8})
    assert not found(HABIT, evidence(EMPTY, some, SLOWER))


def test_products_take_longer_than_in_float32() -> None:
    finding = the(HABIT, evidence(STEP, on=SLOWER))
    assert finding.share == pytest.approx(0.7)
    assert finding.floor is None
    assert "70 % of the time" in finding.title and "5.0 times" in finding.title


def test_a_kind_that_does_not_suffer_is_left_out() -> None:
    finding = the(HABIT, evidence(STEP, on=machine(floors={MATMUL: 5.0, CONV: 0.5})))
    assert finding.share == pytest.approx(0.5) and finding.evidence["times_as_long_matmul"] == 5.0


def test_weights_alone_are_enough() -> None:
    assert the(HABIT, evidence(EMPTY, facts(parameter_bytes={"bfloat16": 8}), SLOWER)).ceiling is None
