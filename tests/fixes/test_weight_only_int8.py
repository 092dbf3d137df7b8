"""The fix `weight-only-int8`, on ONNX Runtime and on OpenVINO."""

from __future__ import annotations

from dataclasses import replace

from unslow.fixes._quantization import rescuable
from unslow.fixes.openvino import FIX as OPENVINO
from unslow.fixes.weight_only_int8 import FIX

from .conftest import Exported
from .workshop import (
    FACTS,
    MACHINE,
    largest_error,
    on,
    onnx_answers,
    openvino_answers,
    openvino_types,
    operators,
    setting,
)

EIGHT_BITS = 0.03
ONNX = on("onnxruntime", "model.onnx")


def test_refuses_convolutions_and_processors_without_gain() -> None:
    assert "convolutions" in FIX.refuses(setting(ONNX, replace(FACTS, modules={"Conv2d": 9, "Linear": 1})))
    assert "1.00" in FIX.refuses(setting(ONNX, machine=replace(MACHINE, floors={"int8/float32:matmul": 1.0})))
    assert FIX.refuses(setting(ONNX, replace(FACTS, modules={"Conv2d": 1, "Linear": 48}))) == ""


def test_weights_are_in_8_bits_on_onnx_runtime(encoder: Exported) -> None:
    after = FIX.apply(encoder.onnx, {}, encoder.workshop)
    assert operators(after.model.path)["MatMulNBits"] == 5
    assert 0 < largest_error(encoder.answers, onnx_answers(after.model.path, encoder.requests)) < EIGHT_BITS


def test_an_excluded_layer_stays_in_full_precision(perceptron: Exported) -> None:
    first = rescuable(perceptron.onnx, perceptron.workshop)[0]
    after = FIX.apply(perceptron.onnx, {"exclude": [first]}, perceptron.workshop)
    assert operators(after.model.path)["MatMulNBits"] == 1


def test_weights_are_in_8_bits_on_openvino(perceptron: Exported) -> None:
    before = OPENVINO.apply(perceptron.onnx, {}, perceptron.workshop)
    after = FIX.apply(before, {}, perceptron.workshop)
    assert openvino_types(after.model.path)["u8"] >= 2 and openvino_types(before.model.path)["u8"] == 0
    assert 0 < largest_error(perceptron.answers, openvino_answers(after.model.path, perceptron.requests)) < EIGHT_BITS
    assert after.model.settings == before.model.settings
