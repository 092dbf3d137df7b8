"""Stores the weights in 8 bits and computes in floats.

What it is
----------
Only the weights of matrix products become 8-bit integers, with a scale for each block or channel. They are turned
back into floats (or multiplied with inputs rounded to 8 bits, as the engine chooses) while they are read.

Why it is slow
--------------
With one request at a time a large matrix is read from memory for a single row: the time is that of reading the
weights. A quarter of the bytes takes a quarter of that time.

How it shows
------------
The habit `full-precision-compute`, for large models with short inputs (weights far larger than the processor's
cache). The file and the memory shrink to a quarter in any case.

When it does not matter
-----------------------
When the weights fit into the cache, or when many rows share one reading of them (long inputs, batches): then the
arithmetic is what takes time, and this fix makes it a little slower. `int8-dynamic` treats that.

Risk
----
The smallest of the 8-bit fixes, since intermediate results keep their precision. Answers change all the same, and the
guard looks at them.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from unslow.core.variant import Fix, Parameters, Setting, Workshop
from unslow.core.workload import Workload
from unslow.fixes._nncf import ignored, rewritten
from unslow.fixes._onnx import LARGEST_INLINE_BYTES, MODEL_FILE
from unslow.fixes._quantization import float_graph, layers_to_quantise
from unslow.fixes._quiet import quiet

GRAPH_FILE = "model.xml"
SMALLEST_WEIGHTS_BYTES = 8 << 20
"""Below this the weights stay in the second-level caches of a few cores, and reading them is no bottleneck."""
BLOCK = 32
"""Weights that share a scale, the size that ONNX Runtime's kernels take best."""


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
            accuracy_level=int(parameters.get("accuracy_level", 4)),
            nodes_to_include=[*chosen, *(f"{name}_MatMul" for name in chosen)],
        )
        quantizer.process()
        quantizer.model.save_model_to_file(str(path), graph.stat().st_size > LARGEST_INLINE_BYTES)


def _with_nncf(source: str, folder: Path, parameters: Parameters) -> None:
    def compress(nncf: Any, graph: Any) -> Any:
        scope = ignored(nncf, graph, parameters.get("exclude", ()))
        return nncf.compress_weights(graph, mode=nncf.CompressWeightsMode.INT8_ASYM, ignored_scope=scope)

    rewritten(source, folder / GRAPH_FILE, compress)


def refuses(setting: Setting) -> str:
    """Refused for weights that stay in the cache."""
    total = setting.facts.parameters_total_bytes
    if 0 < total < SMALLEST_WEIGHTS_BYTES:
        return f"the weights take {total / (1 << 20):.1f} MiB, which stay in the processor's caches"
    return ""


def space(setting: Setting) -> Sequence[Parameters]:
    """ONNX Runtime: inputs rounded to 8 bits (level 4) first, since its kernels for floats (level 0) are slow."""
    return ({},) if setting.workload.model.runtime == "openvino" else ({"accuracy_level": 4}, {"accuracy_level": 0})


FIX = Fix(
    name="weight-only-int8",
    does="stores the weights in 8 bits and computes in floats",
    tag="lossy",
    slot="precision",
    treats=("full-precision-compute",),
    runtimes=frozenset({"onnxruntime", "openvino"}),
    apply=apply,
    refuses=refuses,
    space=space,
    odds=0.25,
    build_seconds=8.0,
)
