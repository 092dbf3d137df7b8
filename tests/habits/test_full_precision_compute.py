from __future__ import annotations

import pytest

from handmade import EMPTY, evidence, facts, found, machine, op, step, the
from unslow.habits.full_precision_compute import HABIT, best_floor, missing_sets

FLOORS = {
    "int8/float32:matmul": 0.3,
    "bfloat16/float32:matmul": 0.6,
    "int8/float32:conv": 0.8,
    "bfloat16/float32:conv": 0.7,
}
FLOORED = machine(floors=FLOORS)
PRODUCTS = step(op("aten::addmm", 60), op("aten::relu", 20))


def test_element_wise_work_has_no_shorter_form() -> None:
    assert not found(HABIT, evidence(step(op("aten::relu", 80), op("aten::_softmax", 10)), on=FLOORED))


def test_products_that_are_short_already_are_left_alone() -> None:
    short = step(
        op("aten::addmm", 40, "bfloat16"),
        op("n", 30, "uint8", op="MatMulInteger"),
        op("n", 20, "float32", op="DynamicQuantizeMatMul"),
    )
    assert not found(HABIT, evidence(short, facts(parameter_bytes={"float32": 100}), FLOORED))


def test_says_nothing_where_shorter_numbers_do_not_pay() -> None:
    slower = machine(floors={"int8/float32:matmul": 1.3, "bfloat16/float32:matmul": 1.0})
    assert not found(HABIT, evidence(PRODUCTS, on=slower))


def test_without_dtypes_other_weights_are_no_evidence() -> None:
    unknown = step(op("aten::addmm", 60, ""))
    assert not found(HABIT, evidence(unknown, facts(parameter_bytes={"int8": 60, "float32": 40}), FLOORED))
    assert not found(HABIT, evidence(EMPTY, facts(parameter_bytes={"int8": 60, "float32": 40}), FLOORED))


def test_the_best_type_of_each_kind_is_the_floor() -> None:
    both = step(op("aten::addmm", 60), op("aten::mkldnn_convolution", 20), op("aten::relu", 20))
    finding = the(HABIT, evidence(both, on=FLOORED))
    assert finding.share == pytest.approx(0.8)
    assert finding.floor == pytest.approx((0.6 * 0.3 + 0.2 * 0.7) / 0.8)


def test_attention_stays_out_of_int8() -> None:
    finding = the(HABIT, evidence(step(op("aten::_scaled_dot_product_flash_attention_for_cpu", 50)), on=FLOORED))
    assert finding.floor == 0.6


EAGER = {"graph/eager:matmul": 0.4, "graph/eager:conv": 1.2}


def test_a_compiled_model_has_the_better_float32_already() -> None:
    fast = machine(floors=FLOORS | EAGER)
    assert the(HABIT, evidence(PRODUCTS, facts(modules=("OptimizedModule",)), fast)).floor == pytest.approx(0.3)
    assert the(HABIT, evidence(PRODUCTS, facts(framework="onnx"), fast)).floor == pytest.approx(0.3)


def test_where_int8_does_not_pay_its_library_is_no_reason() -> None:
    slower = machine(floors={"int8/float32:matmul": 1.3, "bfloat16/float32:matmul": 1.0} | EAGER)
    assert not found(HABIT, evidence(PRODUCTS, on=slower))


def test_int8_is_compared_with_eager_float32_by_way_of_its_own() -> None:
    fast = machine(floors=FLOORS | EAGER)
    assert the(HABIT, evidence(PRODUCTS, on=fast)).floor == pytest.approx(0.3 * 0.4)
    convolved = step(op("aten::mkldnn_convolution", 60))
    assert the(HABIT, evidence(convolved, on=machine(floors=FLOORS | EAGER | {"int8/float32:conv": 0.5}))).floor == 0.5


def test_a_kind_that_does_not_pay_is_left_out() -> None:
    floors = {**FLOORS, "int8/float32:conv": 1.1, "bfloat16/float32:conv": 1.4}
    both = step(op("aten::addmm", 60), op("aten::mkldnn_convolution", 20))
    assert the(HABIT, evidence(both, on=machine(floors=floors))).share == pytest.approx(0.6)


def test_is_unbounded_where_nothing_was_measured() -> None:
    assert the(HABIT, evidence(PRODUCTS)).ceiling is None


def test_weights_decide_where_the_recording_has_no_dtypes() -> None:
    unknown = step(op("aten::addmm", 60, ""))
    assert the(HABIT, evidence(unknown, facts(parameter_bytes={"float32": 100}), FLOORED)).share == pytest.approx(0.6)
    assert the(HABIT, evidence(EMPTY, facts(parameter_bytes={"float32": 100}), FLOORED)).ceiling is None


def test_names_the_instruction_sets_that_are_missing() -> None:
    assert missing_sets(machine(flags=("avx2", "avx512_vnni"))) == ("avx_vnni", "avx512_bf16", "amx_int8", "amx_bf16")
    assert missing_sets(machine(flags=("asimd", "asimddp", "bf16"))) == ("i8mm",)
    assert "amx_int8" in str(the(HABIT, evidence(PRODUCTS, on=FLOORED)).evidence["missing_instruction_sets"])


def test_one_measured_type_is_enough() -> None:
    assert best_floor({"bfloat16/float32:matmul": 0.5}, "matmul") == 0.5
    assert best_floor({}, "conv") is None
