"""Bundles of small models for the tests, made with onnx alone or with torch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from unslow.core.calls import structure_of
from unslow.core.facts import Facts, Leaf
from unslow.core.machine import Machine
from unslow.core.workload import Model, Target, Workload

MACHINE = Machine("a processor", 2, 2, 2, None, 1 << 30, ("avx2", "fma"), (), "Linux", "3.11", {"numpy": "2.0"})
X = np.arange(6, dtype="float32").reshape(2, 3)


def facts(**changes: Any) -> Facts:
    """Of a model that takes x (rows, 3) and answers {"y": ...}."""
    known: dict[str, Any] = {
        "framework": "torch", "requests": 4, "seconds_per_request": 0.1, "build_seconds": 1.0, "peak_memory_bytes": 1,
        "cpu_seconds_per_request": 0.1, "inputs": (Leaf("x", "float32", (((2, 3), 3), ((4, 3), 1))),),
        "output_structure": structure_of({"y": 0}), "batch_axis": True,
    }  # fmt: skip
    return Facts(**{**known, **changes})


def onnx_model(folder: Path, *, external: bool = False) -> Path:
    """y = x @ w + 1, in a file (its weights in another, if `external`)."""
    import onnx

    weights = onnx.numpy_helper.from_array(np.full((3, 3), 2, "float32"), "w")
    one = onnx.numpy_helper.from_array(np.ones(3, "float32"), "one")
    nodes = [onnx.helper.make_node("MatMul", ["x", "w"], ["xw"]), onnx.helper.make_node("Add", ["xw", "one"], ["y"])]
    x, y = (onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, ["rows", 3]) for name in "xy")
    graph = onnx.helper.make_graph(nodes, "graph", [x], [y], [weights, one])
    model = onnx.helper.make_model(graph, ir_version=8, opset_imports=[onnx.helper.make_opsetid("", 17)])
    path = folder / "model.onnx"
    onnx.save(model, path, save_as_external_data=external, location="model.weights", size_threshold=0)
    return path


def expected(x: Any) -> Any:
    return x @ np.full((3, 3), 2, "float32") + 1


def onnx_workload(path: Path, **changes: Any) -> Workload:
    settings = {"inputs": ["x"], "structure": structure_of({"y": 0})}
    return Workload(Target("onnx-file", str(path)), Model("onnxruntime", str(path), settings), **changes)


def torch_module() -> Any:
    """The same model in torch; dropout, so that its mode matters."""
    import torch

    class Affine(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear = torch.nn.Linear(3, 3)
            self.dropout = torch.nn.Dropout(0.5)
            torch.nn.init.constant_(self.linear.weight, 2)
            torch.nn.init.constant_(self.linear.bias, 1)

        def forward(self, x: Any) -> Any:
            return {"y": self.dropout(self.linear(x))}

    return Affine()
