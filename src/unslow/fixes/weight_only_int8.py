"""Stores the weights in 8 bits with a scale for each small group, and leaves all results between layers in floats.

What it is
----------
Only the weights of matrix products become 8-bit integers, with a scale for each block or channel. While they are
multiplied, the engine rounds the inputs to 8 bits too, in small groups with a scale of their own; what the layers
hand to one another stays in 32 bits.

Why it is slow
--------------
Full-precision weights take four times the bytes to read, which for a large matrix and a single request is most of the
time, and four times the arithmetic where the processor has 8-bit instructions.

How it shows
------------
The habit `full-precision-compute`: the share of the time in float32 matrix products. It helps most for large models
with short inputs. The file and the memory shrink in any case.

When it does not matter
-----------------------
For convolutions, and on engines or processors without kernels for it. Where both keep the metric, `int8-dynamic` on
ONNX Runtime is often faster.

Risk
----
The smallest of the 8-bit fixes, thanks to the small groups. Answers change all the same, and the guard looks at them.
"""

from __future__ import annotations

import importlib
from dataclasses import replace
from pathlib import Path
from typing import Any

from unslow.core.variant import Fix, Layers, Parameters, Setting, Workshop
from unslow.core.workload import Workload
from unslow.fixes._nncf import ignored, rewritten
from unslow.fixes._onnx import LARGEST_INLINE_BYTES, MODEL_FILE
from unslow.fixes._quantization import convolutional, float_graph, layers_to_quantise, no_layers, no_tool, rescuable
from unslow.fixes._quiet import quiet
from unslow.fixes._settings import no_gain

GRAPH_FILE = "model.xml"
BLOCK = 32
"""Weights that share a scale, the size that ONNX Runtime's kernels take best."""
IN_8_BITS = 4
"""ONNX Runtime's level for rounding inputs to 8 bits; its kernels that keep them (level 0) are slower than no fix."""


def apply(workload: Workload, parameters: Parameters, workshop: Workshop) -> Workload:
    """Compresses the weights with the tool of the model's runtime.

    Raises
    ------
    BadInput
        There is no matrix product with constant weights.
    """
    if workload.model.runtime == "openvino":
        source = workload.model.path
        key = {"source": source, **parameters}
        made = workshop.make("int8-weights-openvino", key, lambda folder: _with_nncf(source, folder, parameters))
        return replace(workload, model=replace(workload.model, path=str(made / GRAPH_FILE)))
    graph = float_graph(workload, workshop)
    key = {"graph": str(graph), **parameters}
    made = workshop.make("int8-weights", key, lambda folder: _compress(graph, folder / MODEL_FILE, parameters))
    return replace(workload, model=replace(workload.model, path=str(made / MODEL_FILE)))


def _compress(graph: Path, path: Path, parameters: Parameters) -> None:
    onnx: Any = importlib.import_module("onnx")
    tools: Any = importlib.import_module("onnxruntime.quantization.matmul_nbits_quantizer")
    model_class: Any = importlib.import_module("onnxruntime.quantization.onnx_model").ONNXModel
    chosen = layers_to_quantise(graph, ("MatMul", "Gemm"), parameters)
    model = model_class(onnx.load(str(graph)))
    model.replace_gemm_with_matmul()
    with quiet():
        quantizer = tools.MatMulNBitsQuantizer(
            model.model,
            bits=8,
            block_size=BLOCK,
            is_symmetric=True,
            accuracy_level=IN_8_BITS,
            nodes_to_exclude=[
                node.name for node in model.graph().node if node.name.removesuffix("_MatMul") not in chosen
            ],
        )
        quantizer.process()
        quantizer.model.save_model_to_file(str(path), graph.stat().st_size > LARGEST_INLINE_BYTES)


def _with_nncf(source: str, folder: Path, parameters: Parameters) -> None:
    def compress(nncf: Any, graph: Any) -> Any:
        scope = ignored(nncf, graph, parameters.get("exclude", ()))
        return nncf.compress_weights(graph, mode=nncf.CompressWeightsMode.INT8_ASYM, ignored_scope=scope)

    rewritten(source, folder / GRAPH_FILE, compress)


def layers_of(workload: Workload, parameters: Parameters, workshop: Workshop) -> Layers:
    """The matrix products, of which only the weights are rounded."""
    return Layers(rescuable(workload, workshop, ("MatMul", "Gemm")))


def refuses(setting: Setting) -> str:
    """Refused where 8-bit products are known not to pay, and for convolutional models."""
    return no_tool(setting) or no_layers(setting.facts) or no_gain(setting, "int8") or convolutional(setting.facts)


FIX = Fix(
    name="weight-only-int8",
    does="stores the weights in 8 bits, and keeps what layers hand to one another in floats",
    tag="lossy",
    slot="precision",
    treats=("full-precision-compute",),
    runtimes=frozenset({"onnxruntime", "openvino"}),
    apply=apply,
    refuses=refuses,
    odds=0.4,
    build_seconds=8.0,
    layers=layers_of,
)
