"""The fix `int8-static`, on ONNX Runtime and on OpenVINO."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from unslow.core.errors import BadInput
from unslow.core.facts import Leaf
from unslow.fixes._calibration import of_one_shape
from unslow.fixes._quantization import rescuable
from unslow.fixes.int8_static import FIX
from unslow.fixes.openvino import FIX as OPENVINO

from .conftest import Exported
from .workshop import (
    FACTS,
    MACHINE,
    WHOLE_RANGE,
    largest_error,
    on,
    onnx_answers,
    openvino_answers,
    openvino_types,
    operators,
    setting,
)

WHOLE_RANGE_OF_FEW_SAMPLES = 0.2 + WHOLE_RANGE
ONNX, OV = on("onnxruntime", "model.onnx"), on("openvino", "model.xml")


def test_refuses_made_up_inputs_and_processors_without_gain() -> None:
    assert "made up" in FIX.refuses(setting(ONNX, replace(FACTS, made_inputs=True)))
    assert "0.99" in FIX.refuses(setting(ONNX, machine=replace(MACHINE, floors={"int8/float32:matmul": 0.99})))
    assert FIX.refuses(setting(ONNX)) == FIX.refuses(setting(OV)) == ""


def test_transformers_are_calibrated_in_other_ways_than_convolutions() -> None:
    transformer, network = replace(FACTS, modules={"BertSelfAttention": 6}), replace(FACTS, modules={"Conv2d": 9})
    assert FIX.space(setting(ONNX, transformer))[0]["method"] == "Entropy"
    assert FIX.space(setting(ONNX, network))[0]["method"] == "MinMax"
    several = replace(transformer, inputs=(Leaf("x", "int64", (((1, 8), 3), ((1, 9), 2))),))
    assert FIX.space(setting(ONNX, several))[0]["method"] == "MinMax"
    assert FIX.space(setting(OV, transformer))[0]["smooth_quant_alpha"] == 0.5
    assert not FIX.space(setting(OV, network))[0]["transformer"]


def test_without_vnni_weights_have_7_bits() -> None:
    assert all(
        parameters["reduce_range"] for parameters in FIX.space(setting(ONNX, machine=replace(MACHINE, flags=())))
    )


def test_histograms_see_requests_of_the_commonest_shape_only() -> None:
    requests = [{"x": np.zeros((1, length))} for length in (4, 5, 4)]
    assert of_one_shape(requests) == [requests[0], requests[2]]


@pytest.mark.parametrize("method", ["MinMax", "Percentile", "Entropy"])
def test_convolutions_are_in_8_bits_and_answers_near(convolutions: Exported, method: str) -> None:
    after = FIX.apply(convolutions.onnx, {"method": method}, convolutions.workshop)
    assert operators(after.model.path)["QuantizeLinear"] >= 3
    assert 0 < largest_error(convolutions.answers, onnx_answers(after.model.path, convolutions.requests)) < WHOLE_RANGE


@pytest.mark.parametrize("method", ["MinMax", "Entropy"])
def test_only_products_of_a_transformer_are_in_8_bits(encoder: Exported, method: str) -> None:
    after = FIX.apply(encoder.onnx, {"method": method}, encoder.workshop)
    assert operators(after.model.path)["QuantizeLinear"] == 10  # before and after each of the five products
    # Only the first of the lengths is calibrated by histograms, since all five lengths are equally common.
    error = largest_error(encoder.answers[:1], onnx_answers(after.model.path, encoder.requests[:1]))
    assert 0 < error < WHOLE_RANGE


def test_an_excluded_convolution_stays_in_full_precision(convolutions: Exported) -> None:
    first = rescuable(convolutions.onnx, convolutions.workshop)[0]
    counts = [
        operators(FIX.apply(convolutions.onnx, {"exclude": names}, convolutions.workshop).model.path)[
            "DequantizeLinear"
        ]
        for names in ([], [first])
    ]
    assert counts[1] < counts[0]


@pytest.mark.parametrize("parameters", [{}, {"ranges": "extremes"}, {"transformer": True, "smooth_quant_alpha": 0.5}])
def test_nncf_quantises_on_openvino(perceptron: Exported, parameters: dict[str, object]) -> None:
    before = OPENVINO.apply(perceptron.onnx, {}, perceptron.workshop)
    after = FIX.apply(before, parameters, perceptron.workshop)
    assert openvino_types(after.model.path)["i8"] >= 2 and openvino_types(before.model.path)["i8"] == 0
    answers = openvino_answers(after.model.path, perceptron.requests)
    assert 0 < largest_error(perceptron.answers, answers) < WHOLE_RANGE_OF_FEW_SAMPLES


def test_nncf_leaves_out_what_is_excluded(perceptron: Exported) -> None:
    before = OPENVINO.apply(perceptron.onnx, {}, perceptron.workshop)
    first = rescuable(before, perceptron.workshop)[0]
    after = FIX.apply(before, {"exclude": [first]}, perceptron.workshop)
    assert openvino_types(after.model.path)["i8"] == 1
    with pytest.raises(BadInput, match="no layer"):
        FIX.apply(before, {"exclude": ["unheard of"]}, perceptron.workshop)
