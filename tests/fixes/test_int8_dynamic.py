"""The fix `int8-dynamic`."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from unslow.core.errors import BadInput
from unslow.fixes import all_fixes
from unslow.fixes._quantization import float_graph, layers
from unslow.fixes.int8_dynamic import FIX

from .conftest import Exported
from .workshop import EIGHT_BITS, FACTS, MACHINE, WHOLE_RANGE, largest_error, on, onnx_answers, operators, setting

ONNX = on("onnxruntime", "model.onnx")


def test_refuses_convolutions_and_processors_without_gain() -> None:
    assert "convolutions" in FIX.refuses(setting(ONNX, replace(FACTS, modules={"Conv2d": 49, "Linear": 1})))
    assert "1.20" in FIX.refuses(setting(ONNX, machine=replace(MACHINE, floors={"int8/float32:matmul": 1.2})))


def test_is_tried_where_nothing_is_known() -> None:
    assert FIX.refuses(setting(ONNX)) == ""
    assert FIX.refuses(setting(ONNX, machine=replace(MACHINE, floors={"int8/float32:matmul": 0.3}))) == ""


def test_without_vnni_the_range_is_reduced_first() -> None:
    assert not FIX.space(setting(ONNX))[0]["reduce_range"]
    assert FIX.space(setting(ONNX, machine=replace(MACHINE, flags=("avx2",))))[0]["reduce_range"]


@pytest.mark.parametrize("index", range(3))
def test_matrix_products_are_in_8_bits_and_answers_near(encoder: Exported, index: int) -> None:
    parameters = FIX.space(setting(ONNX))[index]
    after = FIX.apply(encoder.onnx, parameters, encoder.workshop)
    assert operators(after.model.path)["MatMulInteger"] == 5
    most = EIGHT_BITS if parameters["reduce_range"] else WHOLE_RANGE
    assert 0 < largest_error(encoder.answers, onnx_answers(after.model.path, encoder.requests)) < most
    assert after.model.settings == encoder.onnx.model.settings


def test_an_excluded_layer_stays_in_full_precision(perceptron: Exported) -> None:
    first, second = layers(float_graph(perceptron.onnx, perceptron.workshop))
    after = FIX.apply(perceptron.onnx, {"exclude": [first]}, perceptron.workshop)
    assert operators(after.model.path)["MatMulInteger"] == 1
    with pytest.raises(BadInput, match="no layer"):
        FIX.apply(perceptron.onnx, {"exclude": [first, second]}, perceptron.workshop)


def test_convolutions_stay(convolutions: Exported) -> None:
    found: Counter[str] = operators(FIX.apply(convolutions.onnx, {}, convolutions.workshop).model.path)
    assert found["ConvInteger"] == 0 and found["MatMulInteger"] == 1


@pytest.mark.parametrize("fix", ["int8-dynamic", "int8-static", "weight-only-int8"])
def test_a_graph_whose_products_are_in_branches_is_refused(fix: str) -> None:
    known = all_fixes()[fix]
    inside = setting(on("onnxruntime"), replace(FACTS, framework="onnx", products=0))
    assert "in branches or loops" in known.refuses(inside)
    for products in (-1, 1):
        assert "branches" not in known.refuses(setting(on("onnxruntime"), replace(inside.facts, products=products)))
