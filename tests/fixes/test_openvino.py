"""The fix `openvino`."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest

from unslow.core.facts import Leaf
from unslow.fixes.openvino import FIX

from .conftest import Exported
from .workshop import FACTS, WORKLOAD, largest_error, on, openvino_answers, setting

ROUNDING = 1e-5
SAME = replace(FACTS, inputs=(Leaf("x", "float32", (((1, 8), 5),)),))


def test_refuses_half_precision_and_nested_inputs() -> None:
    assert "bfloat16" in FIX.refuses(setting(on("torch-module", dtype="bfloat16"), SAME))
    assert "flat" in FIX.refuses(setting(facts=replace(SAME, flat_inputs=False)))
    assert FIX.refuses(setting(on("onnxruntime", "model.onnx"), replace(FACTS, framework="onnx"))) == ""


def test_shapes_are_fixed_only_where_all_are_equal_and_stay_so() -> None:
    varying = replace(SAME, inputs=(Leaf("x", "float32", (((1, 8), 3), ((1, 9), 2))),))
    assert FIX.space(setting(facts=SAME))[0]["static"]
    assert not any(parameters["static"] for parameters in FIX.space(setting(facts=varying)))
    assert not any(parameters["static"] for parameters in FIX.space(setting(facts=replace(SAME, padding_share=0.3))))


def test_streams_are_for_throughput() -> None:
    assert FIX.space(setting(facts=SAME, objective="throughput"))[0] == {"hint": "THROUGHPUT"}


@pytest.mark.parametrize("static", [False, True])
def test_answers_as_the_model_in_full_precision(perceptron: Exported, static: bool) -> None:
    after = FIX.apply(WORKLOAD, {"hint": "LATENCY", "static": static}, perceptron.workshop)
    assert largest_error(perceptron.answers, openvino_answers(after.model.path, perceptron.requests)) < ROUNDING
    assert after.model.settings == {**on_openvino(perceptron), "hint": "LATENCY", "precision": "f32"}


def on_openvino(exported: Exported) -> dict[str, object]:
    return {"inputs": ["input"], "structure": exported.workshop.facts.output_structure}


def test_an_onnx_model_is_converted_and_takes_all_lengths(encoder: Exported) -> None:
    after = FIX.apply(encoder.onnx, {"static": True}, encoder.workshop)
    assert largest_error(encoder.answers, openvino_answers(after.model.path, encoder.requests)) < ROUNDING


def test_nothing_is_sent_anywhere() -> None:
    code = """
import sys
from unslow.core.offline import without_telemetry
with without_telemetry():
    import openvino, nncf
print("openvino_telemetry" in sys.modules)
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "False"
