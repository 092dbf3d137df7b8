"""Stores the weights of matrix products in 8 bits and multiplies in 8 bits, with scales taken from each input as it
comes.

What it is
----------
Weights become 8-bit integers with a scale (one for all, or one per output channel). At run time each layer looks at
its input, chooses a scale for it, rounds it to 8 bits, multiplies integers, and scales back. No example data are
needed.

Why it is slow
--------------
A float32 product moves four times as many bytes as an 8-bit one, and processors with VNNI multiply four 8-bit pairs
in the time of one float32 pair. Full precision is rarely needed to give the same answer.

How it shows
------------
The habit `full-precision-compute`: the share of the time in float32 matrix products, and the share of it that 8-bit
products take on this machine. Transformers with short inputs gain most, 1.3 to 3 times.

When it does not matter
-----------------------
For convolutions (they stay as they are here: looking at each input costs more than is won; see `int8-static`), for
small layers, and on processors without 8-bit instructions.

Risk
----
Answers change: that is why the guard must show that the metric, or the agreement with the original, holds. Inputs
with a few very large values lose most. On processors without VNNI the sum of two products can overflow 16 bits;
`reduce_range` (7-bit weights) avoids that and is tried first there.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from unslow.core.variant import Fix, Layers, Parameters, Rounding, Setting, Workshop
from unslow.core.workload import Workload
from unslow.fixes._onnx import MODEL_FILE
from unslow.fixes._quantization import (
    convolutional,
    float_graph,
    layers_to_quantise,
    multiplies_safely,
    no_layers,
    rescuable,
)
from unslow.fixes._quiet import quiet
from unslow.fixes._settings import no_gain

_TYPES = ("MatMul", "Gemm")


def apply(workload: Workload, parameters: Parameters, workshop: Workshop) -> Workload:
    """Quantises the matrix products of the ONNX graph.

    Raises
    ------
    BadInput
        The graph has no matrix product with constant weights.
    """
    graph = float_graph(workload, workshop)
    key = {"graph": str(graph), **parameters}
    folder = workshop.make("int8-dynamic", key, lambda folder: _quantise(graph, folder / MODEL_FILE, parameters))
    return replace(workload, model=replace(workload.model, path=str(folder / MODEL_FILE)))


def _quantise(graph: Path, path: Path, parameters: Parameters) -> None:
    quantization: Any = importlib.import_module("onnxruntime.quantization")
    chosen = layers_to_quantise(graph, _TYPES, parameters)
    with quiet():
        quantization.quantize_dynamic(
            str(graph),
            str(path),
            op_types_to_quantize=list(_TYPES),
            # the quantiser first splits each Gemm into a MatMul, under this name, and an Add
            nodes_to_quantize=[*chosen, *(f"{name}_MatMul" for name in chosen)],
            per_channel=bool(parameters.get("per_channel", True)),
            reduce_range=bool(parameters.get("reduce_range", False)),
            weight_type=quantization.QuantType.from_string(parameters.get("weight_type", "QInt8")),
            extra_options={"MatMulConstBOnly": True},
        )
    onnx: Any = importlib.import_module("onnx")
    onnx.checker.check_model(str(path))


def layers_of(workload: Workload, parameters: Parameters, workshop: Workshop) -> Layers:
    """The matrix products, and how they are rounded."""
    bits = 7 if parameters.get("reduce_range") else 8
    rounding = Rounding(bits, bool(parameters.get("per_channel", True)), "each")
    return Layers(rescuable(workload, workshop, _TYPES), rounding)


def refuses(setting: Setting) -> str:
    """Refused where 8-bit products are known not to pay, and for convolutional models."""
    return no_layers(setting.facts) or no_gain(setting, "int8") or convolutional(setting.facts)


def space(setting: Setting) -> Sequence[Parameters]:
    """A scale per channel first, which keeps far more of the answer; 7-bit weights first where sums could overflow."""
    signed: Parameters = {"per_channel": True, "reduce_range": False, "weight_type": "QInt8"}
    reduced: Parameters = {**signed, "reduce_range": True}
    coarse: Parameters = {**signed, "per_channel": False}
    if multiplies_safely(setting):
        return (signed, reduced, coarse, {**signed, "weight_type": "QUInt8"})
    return (
        reduced,
        {**coarse, "reduce_range": True},
        {**reduced, "weight_type": "QUInt8"},
        {**coarse, "weight_type": "QUInt8"},
    )


FIX = Fix(
    name="int8-dynamic",
    does="multiplies in 8 bits, with scales taken from each input as it comes",
    tag="lossy",
    slot="precision",
    treats=("full-precision-compute",),
    runtimes=frozenset({"onnxruntime"}),
    apply=apply,
    refuses=refuses,
    space=space,
    extra="onnx",
    libraries=("onnx", "onnxruntime"),
    odds=0.5,
    build_seconds=5.0,
    layers=layers_of,
)
