"""Export to ONNX, `quantize_dynamic` with its defaults, open with ONNX Runtime's defaults."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from _handmade import built_here, exported, onnx_session, peer

import unslow

INT8_FILE = "int8.onnx"


def build(folder: Path, example: str) -> None:
    quantization: Any = importlib.import_module("onnxruntime.quantization")
    quantization.quantize_dynamic(str(exported(folder, example)), str(folder / INT8_FILE))


@unslow.workload
def encoder() -> unslow.Inference:
    return peer(__file__, "encoder", lambda folder: onnx_session(folder / INT8_FILE))


@unslow.workload
def classifier() -> unslow.Inference:
    return peer(__file__, "classifier", lambda folder: onnx_session(folder / INT8_FILE))


if __name__ == "__main__":
    built_here(build)
