"""What the graph of an ONNX file tells without running it: how many bytes of weights of which type."""

from __future__ import annotations

import importlib
import importlib.util
from collections import Counter
from typing import Any


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
    for values in graph.initializer:
        dtype = onnx.helper.tensor_dtype_to_np_dtype(values.data_type)
        size = 1
        for length in values.dims:
            size *= int(length)
        weights[str(dtype)] += size * int(dtype.itemsize)
    return {"parameter_bytes": dict(weights)} if weights else {}
