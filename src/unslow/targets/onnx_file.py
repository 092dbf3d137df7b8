"""`model.onnx`: opened with ONNX Runtime's defaults, with the user's inputs or ones made from its declared shapes."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import numpy as np

from unslow.core.errors import BadInput, BadUsage, MissingExtra
from unslow.core.workload import Inference, Model, Target
from unslow.targets._adapter import MADE_REQUESTS, Adapter, Declared, decoded, located, made_array, requests_from_npz

_DTYPES = {
    "tensor(float)": "float32",
    "tensor(double)": "float64",
    "tensor(float16)": "float16",
    "tensor(int64)": "int64",
    "tensor(int32)": "int32",
    "tensor(int16)": "int16",
    "tensor(int8)": "int8",
    "tensor(uint8)": "uint8",
    "tensor(bool)": "bool",
}
FREE_SEQUENCE, FREE_IMAGE = 64, 224
"""The length taken for a free axis where nothing is said: of sequences, and of images (the last two of four axes)."""


def claims(path: Path, name: str, declared: Declared) -> bool:
    return path.suffix == ".onnx"


def locate(path: Path, name: str, declared: Declared) -> Target:
    if declared.shapes and declared.inputs:
        raise BadUsage("--shape says how inputs are made, --inputs brings them.", "Leave one of the two out.")
    return located("onnx-file", path, name or declared.encoded(), declared)


def load(target: Target) -> Inference:
    if target.inputs:
        return Inference(Path(target.location), requests_from_npz(target.inputs))
    declared = _declared_inputs(target.location)
    shapes = decoded(target.name)
    names = [name for name, _, _ in declared]
    if unknown := [name for name in shapes if name not in names]:
        raise BadInput(f"{target.location} has no input {unknown[0]!r}.", f"Its inputs: {', '.join(names)}.")
    rng = np.random.default_rng(0)
    made = [
        {name: made_array(name, shapes.get(name, _filled(shape)), dtype, rng) for name, dtype, shape in declared}
        for _ in range(MADE_REQUESTS)
    ]
    return Inference(Path(target.location), made)


def _declared_inputs(location: str) -> list[tuple[str, str, list[Any]]]:
    """Name, dtype and declared shape of each input; a free axis is None or its symbol's name."""
    try:
        onnxruntime: Any = importlib.import_module("onnxruntime")
    except ModuleNotFoundError as error:
        raise MissingExtra("onnxruntime", "onnx", "Running an ONNX model") from error
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    try:
        session = onnxruntime.InferenceSession(location, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        first = str(error).splitlines()[0]
        raise BadInput(
            f"{location} cannot be loaded: {first}", "Check that the file is whole: onnx.checker.check_model."
        ) from error
    unknown = [entry.type for entry in session.get_inputs() if entry.type not in _DTYPES]
    if unknown:
        raise BadInput(
            f"{location} takes {unknown[0]}, which cannot be made up.", "Give requests with --inputs FILE.npz."
        )
    return [(entry.name, _DTYPES[entry.type], list(entry.shape)) for entry in session.get_inputs()]


def _filled(shape: list[Any]) -> list[int]:
    """Free axes filled in: the first is one request, the last two of four an image's, others a sequence's."""
    return [
        size
        if isinstance(size, int) and size > 0
        else 1
        if axis == 0
        else FREE_IMAGE
        if len(shape) == 4 and axis >= 2
        else FREE_SEQUENCE
        for axis, size in enumerate(shape)
    ]


def model(target: Target, inference: Inference) -> Model:
    return Model("onnxruntime", target.location)


ADAPTER = Adapter("onnx-file", claims, locate, load, model, takes_shapes=True)
