"""Export to ONNX, compile with OpenVINO's defaults; and again with float32 asked for.

Where the processor has bfloat16 instructions (avx512_bf16, amx_bf16), OpenVINO's default computes in bfloat16 and says
nothing: the speed is that of another precision. `encoder_float32` and `classifier_float32` are what compares like with
like; `precision` says which one the default is here.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from _handmade import built_here, exported, openvino_model, peer

import unslow


def build(folder: Path, example: str) -> None:
    path = exported(folder, example)
    (folder / "precision.txt").write_text(precision(path))


def precision(path: Path) -> str:
    """What OpenVINO's default computes in, by its own word: "bf16" or "f32"."""
    library: Any = importlib.import_module("openvino")
    compiled = library.Core().compile_model(str(path), "CPU")
    return compiled.get_property("INFERENCE_PRECISION_HINT").get_type_name()


@unslow.workload
def encoder() -> unslow.Inference:
    return peer(__file__, "encoder", lambda folder: openvino_model(folder / "model.onnx"))


@unslow.workload
def classifier() -> unslow.Inference:
    return peer(__file__, "classifier", lambda folder: openvino_model(folder / "model.onnx"))


@unslow.workload
def encoder_float32() -> unslow.Inference:
    return peer(__file__, "encoder", lambda folder: openvino_model(folder / "model.onnx", **FLOAT32))


@unslow.workload
def classifier_float32() -> unslow.Inference:
    return peer(__file__, "classifier", lambda folder: openvino_model(folder / "model.onnx", **FLOAT32))


FLOAT32 = {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"}

if __name__ == "__main__":
    built_here(build)
