"""What the graph of an ONNX file tells without running it: its weights by type, and how many products it has."""

from __future__ import annotations

import importlib
import importlib.util
import math
from collections import Counter
from collections.abc import Iterator
from typing import Any

PRODUCTS = ("Conv", "ConvTranspose", "MatMul", "Gemm", "Einsum", "LSTM", "GRU", "Attention")


def graph_facts(path: str) -> dict[str, Any]:
    """Fields of `Facts` for an ONNX file; empty where the `onnx` package is missing or cannot read it."""
    if importlib.util.find_spec("onnx") is None:
        return {}
    onnx: Any = importlib.import_module("onnx")
    try:
        graph = onnx.load(path, load_external_data=False).graph
    except Exception:  # ONNX Runtime has run it already: a file that onnx cannot parse only tells less.
        return {}
    weights: Counter[str] = Counter()
    for values in _constants(graph):
        dtype = onnx.helper.tensor_dtype_to_np_dtype(values.data_type)
        weights[str(dtype)] += math.prod(values.dims) * int(dtype.itemsize)
    products = sum(node.op_type in PRODUCTS for node in graph.node)
    return {"products": products, **({"parameter_bytes": dict(weights)} if weights else {})}


def _constants(graph: Any) -> Iterator[Any]:
    """The tensors that the graph holds, in the branches of `If` and the bodies of loops too."""
    yield from graph.initializer
    for attribute in (attribute for node in graph.node for attribute in node.attribute):
        if attribute.HasField("t"):
            yield attribute.t
        for inner in (*([attribute.g] if attribute.HasField("g") else []), *attribute.graphs):
            yield from _constants(inner)
