"""Small ONNX networks, built by hand, on which graph runtimes and int8 kernels are measured."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

OPSET = 17
IR_VERSION = 9


@dataclass(frozen=True)
class Sizes:
    """A transformer's linear layer (`rows` x `width` to `hidden`), an image network's early layers, tiny operators."""

    rows: int = 64
    width: int = 384
    hidden: int = 1536
    image: int = 56
    channels: int = 144
    layers: int = 2
    blocks: int = 4
    tiny_operations: int = 100


SIZES = Sizes()


class Network:
    """Collects the nodes and weights of an ONNX graph with a float32 input "x" and output "y" of one shape."""

    def __init__(self, *shape: int) -> None:
        self.onnx: Any = importlib.import_module("onnx")
        self.shape = shape
        self.nodes: list[Any] = []
        self.weights: list[Any] = []
        self.random = np.random.default_rng(0)

    def constant(self, values: Any) -> str:
        name = f"c{len(self.weights)}"
        self.weights.append(self.onnx.numpy_helper.from_array(np.asarray(values), name))
        return name

    def normal(self, *shape: int) -> str:
        """Float32 weights, small enough that values stay of order one through layers."""
        values = self.random.standard_normal(shape) / np.sqrt(max(1, np.prod(shape[1:])))
        return self.constant(values.astype(np.float32))

    def add(self, operator: str, inputs: Sequence[str], output: str = "", **attributes: Any) -> str:
        name = output or f"t{len(self.nodes)}"
        self.nodes.append(self.onnx.helper.make_node(operator, list(inputs), [name], **attributes))
        return name

    def to_bytes(self, last: str) -> bytes:
        self.add("Identity", [last], "y")
        helper, float32 = self.onnx.helper, self.onnx.TensorProto.FLOAT
        graph = helper.make_graph(
            self.nodes,
            "bench",
            [helper.make_tensor_value_info("x", float32, self.shape)],
            [helper.make_tensor_value_info("y", float32, self.shape)],
            self.weights,
        )
        opset = [helper.make_opsetid("", OPSET)]
        return helper.make_model(graph, opset_imports=opset, ir_version=IR_VERSION).SerializeToString()


def graph(name: str) -> tuple[bytes, tuple[int, ...]]:
    """The serialized network "elementwise", "matmul", "conv" or "dispatch", and the shape of its input "x"."""
    build = {"elementwise": _elementwise, "matmul": _matmul, "conv": _separable, "dispatch": _dispatch}[name]
    return build()


def _elementwise() -> tuple[bytes, tuple[int, ...]]:
    shape = (SIZES.rows, SIZES.width)
    net = Network(*shape)
    scale, shift = net.constant(np.ones(SIZES.width, np.float32)), net.constant(np.zeros(SIZES.width, np.float32))
    x = "x"
    for _ in range(SIZES.blocks):
        y = net.add("Add", [net.add("Mul", [net.add("Sigmoid", [x]), x]), "x"])
        x = net.add("Softmax", [net.add("LayerNormalization", [y, scale, shift], axis=-1)], axis=-1)
    return net.to_bytes(x), shape


def _matmul() -> tuple[bytes, tuple[int, ...]]:
    shape = (SIZES.rows, SIZES.width)
    net = Network(*shape)
    x = "x"
    # Each layer has weights of its own, as a model's layers do: no cache holds them all from one request to the next.
    for rows, columns in ((SIZES.width, SIZES.hidden), (SIZES.hidden, SIZES.width)) * SIZES.layers:
        x = net.add("Add", [net.add("MatMul", [x, net.normal(rows, columns)]), net.normal(columns)])
    return net.to_bytes(x), shape


def _separable() -> tuple[bytes, tuple[int, ...]]:
    shape, channels = (1, 24, SIZES.image, SIZES.image), SIZES.channels
    net = Network(*shape)
    x = net.add("Relu", [net.add("Conv", ["x", net.normal(channels, 24, 1, 1), net.normal(channels)])])
    depth = [x, net.normal(channels, 1, 3, 3), net.normal(channels)]
    x = net.add("Relu", [net.add("Conv", depth, group=channels, pads=[1, 1, 1, 1])])
    return net.to_bytes(net.add("Conv", [x, net.normal(24, channels, 1, 1), net.normal(24)])), shape


def _dispatch() -> tuple[bytes, tuple[int, ...]]:
    net, x = Network(1, 8), "x"
    scale = net.constant(np.full(8, 0.5, np.float32))
    for _ in range(SIZES.tiny_operations // 2):
        x = net.add("Add", [net.add("Mul", [x, scale]), scale])
    return net.to_bytes(x), (1, 8)
