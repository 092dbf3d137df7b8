from __future__ import annotations

import pytest

from handmade import EMPTY, Op, evidence, facts, found, loader, machine, noted, op, phase, script, step, the
from unslow.core.facts import Leaf
from unslow.habits.float64_compute import HABIT

FLOORED = machine(floors={"float32/float64:matmul": 0.5, "float32/float64:elementwise": 0.4})


def test_a_float64_scalar_is_no_leak() -> None:
    scalar = op("aten::mul", 60, dtypes=["float32", "float64"], shapes=[[8, 8], []])
    assert not found(HABIT, evidence(step(scalar), on=FLOORED))


def test_other_dtypes_are_no_leak() -> None:
    others = step(op("aten::mm", 60), op("aten::index_select", 20, "int64"), op("aten::mul", 10, "complex64"))
    assert not found(HABIT, evidence(others, on=FLOORED))


def test_an_input_that_is_cast_at_once_is_too_little() -> None:
    cast = step(op("aten::copy_", 0.5, "float64"), op("aten::mm", 90))
    double_input = facts(inputs=(Leaf("x", "float64", (((4, 8), 1),)),))
    assert not found(HABIT, evidence(cast, double_input, FLOORED))


def test_a_scalar_input_without_dtypes_in_the_recording_is_no_leak() -> None:
    scalar_input = facts("function", inputs=(Leaf("t", "float64", (((), 1),)),))
    assert not found(HABIT, evidence(step(op("f", 90, "")), scalar_input))


def test_a_recording_that_has_a_loader_too_is_told_by_its_operators() -> None:
    recorded = facts("torch", script=script(loader()).script)
    assert the(HABIT, evidence(step(op("aten::mm", 90, "float64")), recorded, FLOORED)).share == pytest.approx(0.9)


def test_each_kind_has_its_floor() -> None:
    mixed = step(op("aten::mm", 40, "float64"), op("aten::exp", 20, "float64"), op("aten::mm", 30))
    finding = the(HABIT, evidence(mixed, on=FLOORED))
    assert finding.share == pytest.approx(0.6)
    assert finding.floor == pytest.approx((0.4 * 0.5 + 0.2 * 0.4) / 0.6)
    assert finding.evidence["float64_matmul_share"] == pytest.approx(0.4)
    assert "60 %" in finding.title


def test_onnx_operators_are_seen() -> None:
    added = op("/layer/Add_kernel_time", 80, "float64", op="Add")
    assert the(HABIT, evidence(step(added), facts("onnx"), FLOORED)).floor == pytest.approx(0.4)


def test_products_of_onnx_runtime_are_its_own() -> None:
    node = op("/layer/MatMul_kernel_time", 80, "float64", op="MatMul")
    assert the(HABIT, evidence(step(node), facts("onnx"), FLOORED)).floor is None


def test_is_unbounded_where_nothing_was_measured() -> None:
    assert the(HABIT, evidence(step(op("aten::mm", 40, "float64")))).ceiling is None


def test_weights_or_inputs_are_enough_where_the_recording_has_no_dtypes() -> None:
    sampled = step(op("f", 70, ""), source="steps")
    weights = facts("function", parameter_bytes={"float64": 8_000_000})
    inputs = facts("function", inputs=(Leaf("x", "float64", (((4, 8), 1),)),))
    assert the(HABIT, evidence(sampled, weights, FLOORED)).title.startswith("8 MB of the weights")
    assert the(HABIT, evidence(sampled, inputs, FLOORED)).ceiling is None
    assert the(HABIT, evidence(EMPTY, inputs, FLOORED)).ceiling is None


class TestOfAScript:
    STEP = step(phase("forward", 40), phase("backward", 40))
    TABLE = noted("double", call="from_numpy", elements=100)

    def test_a_table_that_is_cast_at_once(self) -> None:
        assert not found(HABIT, evidence(self.STEP, script(noted=(self.TABLE,))), evidence(self.STEP, script()))

    def test_a_loss_in_float64(self) -> None:
        on = machine(floors={"float32/float64:matmul": 0.5, "float32/float64:elementwise": 0.6})
        known = script(noted=(self.TABLE, noted("backward", dtype="float64")))
        finding = the(HABIT, evidence(self.STEP, known, on))
        assert finding.share == pytest.approx(0.8) and finding.floor == 0.5 and finding.site == "train.py:3"

    def test_a_model_in_float64(self) -> None:
        known = script(noted=(noted("double", call="Module.double", elements=100),))
        assert the(HABIT, evidence(self.STEP, known)).floor is None


class TestOfAScriptOfNumPy:
    def test_other_types_small_arrays_other_libraries_and_waiting(self) -> None:
        near = (
            line({"float32": 9_000}), line({"float64": 999}), line({"float64": 4_000, "float32": 9_000}), line({}),
            line({"float64": 9_000}, innermost="sklearn/base.py:3 fit"), line({"float64": 9_000}, 4),
        )  # fmt: skip
        assert not found(HABIT, *(evidence(step(each), script(), FLOORED) for each in near))

    @pytest.mark.parametrize("innermost", ["", "numpy/linalg.py:3 norm"])
    def test_lines_with_float64_arrays(self, innermost: str) -> None:
        lines = line({"float64": 9_000}, 50, innermost), line({"float64": 9_000, "int64": 9_000}, 20, number=14)
        finding = the(HABIT, evidence(step(*lines), script(), FLOORED))
        assert finding.share == pytest.approx(0.7) and finding.floor == 0.4 and finding.site == "train.py:12"


def line(operands: dict[str, int], us: float = 40, innermost: str = "", number: int = 12) -> Op:
    stack = [f"train.py:{number} <module>", *([innermost] if innermost else [])]
    return op("f", us, "", file="train.py", line=number, stack=stack, sampled=True, operands=operands)
