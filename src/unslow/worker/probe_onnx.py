"""A probe of an ONNX graph: a copy of it in which every layer's input passes an addition, and weights are inputs."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from unslow.core.errors import BadInput
from unslow.core.variant import ArrayRequest
from unslow.worker.probe import Inputs, Probe

Array = NDArray[Any]
LARGEST_BYTES = 1 << 30
"""Above half of what a protocol buffer can hold the weights lie in files beside the graph, which a copy has not."""
ADDED, SEEN = "::added", "::seen"
ERRORS_ONLY = 3


@final
class OnnxProbe(Probe):
    """One session for all runs. Weights are graph inputs with a default, so that a run may replace some of them."""

    def __init__(self, graph: Path, names: Sequence[str]) -> None:
        if sum(file.stat().st_size for file in graph.parent.glob(f"{graph.name}*")) > LARGEST_BYTES:
            raise BadInput(
                "The model is too large for looking at its layers one at a time.", "Choose `exclude` yourself."
            )
        onnx: Any = importlib.import_module("onnx")
        model = onnx.load(str(graph))
        self._inputs = [value.name for value in model.graph.input]
        self._outputs = [value.name for value in model.graph.output]
        nodes = [node for node in model.graph.node if node.name in set(names)]
        held = {tensor.name: tensor for tensor in model.graph.initializer}
        self._weight_of = {node.name: node.input[1] for node in nodes if node.input[1] in held}
        self.weights = {name: onnx.numpy_helper.to_array(held[weight]) for name, weight in self._weight_of.items()}
        self.channels = {node.name: _channel_axis(node) for node in nodes}
        _opened_up(onnx, model, nodes, held)
        self._session = _session(model)
        self._zeros: Mapping[str, Array] = {
            f"{name}{ADDED}": np.zeros((), self.weights[name].dtype if name in self.weights else np.float32)
            for name in self.channels
        }

    def inputs(self, request: ArrayRequest) -> Inputs:
        names = [f"{name.removesuffix(ADDED)}{SEEN}" for name in self._zeros]
        found = self._session.run(names, {**self._feed(request), **self._zeros})
        return {name.removesuffix(SEEN): array for name, array in zip(names, found, strict=True)}

    def answer(self, request: ArrayRequest, added: Inputs, weights: Inputs) -> list[Array]:
        feed = {**self._feed(request), **self._zeros}
        feed |= {f"{name}{ADDED}": error for name, error in added.items()}
        feed |= {self._weight_of[name]: array for name, array in weights.items()}
        return self._session.run(self._outputs, feed)

    def _feed(self, request: ArrayRequest) -> dict[str, Any]:
        return {name: request[name] for name in self._inputs if name in request}


def _opened_up(onnx: Any, model: Any, nodes: Sequence[Any], held: Mapping[str, Any]) -> None:
    """Change the graph in place: additions before the layers, weights among the inputs, layers' inputs as outputs."""
    helper, listed = onnx.helper, {value.name for value in model.graph.input}
    before: dict[str, Any] = {}
    for node in nodes:
        weight = held.get(node.input[1])
        kind = weight.data_type if weight is not None else onnx.TensorProto.FLOAT
        if weight is not None and weight.name not in listed:
            model.graph.input.append(helper.make_tensor_value_info(weight.name, kind, list(weight.dims)))
            listed.add(weight.name)
        added, seen = f"{node.name}{ADDED}", f"{node.name}{SEEN}"
        model.graph.input.append(helper.make_tensor_value_info(added, kind, None))
        model.graph.output.append(helper.make_tensor_value_info(seen, kind, None))
        before[node.name] = helper.make_node("Add", [node.input[0], added], [seen], name=seen)
        node.input[0] = seen
    ordered = [
        made for node in model.graph.node for made in ((before[node.name], node) if node.name in before else (node,))
    ]
    copies: list[Any] = [onnx.NodeProto.FromString(made.SerializeToString()) for made in ordered]
    del model.graph.node[:]
    model.graph.node.extend(copies)
    del model.graph.value_info[:]


def _channel_axis(node: Any) -> int:
    if node.op_type == "Conv":
        return 0
    transposed = any(attribute.name == "transB" and attribute.i for attribute in node.attribute)
    return 0 if transposed else -1


def _session(model: Any) -> Any:
    library: Any = importlib.import_module("onnxruntime")
    options = library.SessionOptions()
    options.log_severity_level = ERRORS_ONLY
    return library.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
