"""A probe of an OpenVINO graph: a copy in which every layer's input passes an addition, and weights are inputs."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from unslow.core.variant import ArrayRequest
from unslow.worker.probe import Inputs, Probe

Array = NDArray[Any]
ADDED, SEEN, WEIGHT = "::added", "::seen", "::weight"


@final
class OpenvinoProbe(Probe):
    """One compiled graph for all runs, in 32-bit floats. Every run is given every weight; NumPy's memory is shared."""

    def __init__(self, path: str, names: Sequence[str], inputs: Sequence[str]) -> None:
        openvino: Any = importlib.import_module("openvino")
        graph = openvino.Core().read_model(path)
        operations = [node for node in graph.get_ordered_ops() if node.get_friendly_name() in set(names)]
        self._inputs = tuple(inputs)
        self._answers = len(graph.outputs)
        self._zeros: dict[str, Array] = {}
        self.weights, self.channels = _weights(operations)
        _opened_up(graph, operations, self.weights, self._zeros)
        self._names = [f"{name}{SEEN}" for name in (node.get_friendly_name() for node in operations)]
        self._run = openvino.Core().compile_model(graph, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})

    def inputs(self, request: ArrayRequest) -> Inputs:
        found = self._answered(request, {}, {})[self._answers :]
        return {name.removesuffix(SEEN): array for name, array in zip(self._names, found, strict=True)}

    def answer(self, request: ArrayRequest, added: Inputs, weights: Inputs) -> list[Array]:
        return self._answered(request, added, weights)[: self._answers]

    def _answered(self, request: ArrayRequest, added: Inputs, weights: Inputs) -> list[Array]:
        feed: dict[str, Any] = {name: request[name] for name in self._inputs} | self._zeros
        feed |= {f"{name}{ADDED}": error for name, error in added.items()}
        feed |= {f"{name}{WEIGHT}": weights.get(name, held) for name, held in self.weights.items()}
        return [np.array(value) for value in self._run(feed, share_inputs=True).values()]


def _weights(operations: Sequence[Any]) -> tuple[dict[str, Array], dict[str, int]]:
    """Constant weights as arrays, and the axis of their output channels; groups of channels count as channels."""
    weights: dict[str, Array] = {}
    channels: dict[str, int] = {}
    for node in operations:
        name, source = node.get_friendly_name(), node.input_value(1).get_node()
        transposed = node.get_attributes().get("transpose_b", False)
        channels[name] = -2 if transposed else (-1 if node.get_type_name() == "MatMul" else 0)
        if source.get_type_name() == "Constant" and node.get_type_name() == "MatMul":
            weights[name] = np.array(source.data)
    return weights, channels


def _opened_up(graph: Any, operations: Sequence[Any], weights: Mapping[str, Array], zeros: dict[str, Array]) -> None:
    """Change the graph in place; `zeros` gets what is added to each layer's input where nothing is."""
    build: Any = importlib.import_module("openvino.opset13")
    parameters: list[Any] = []
    seen: list[Any] = []
    for node in operations:
        name, source = node.get_friendly_name(), node.input_value(0)
        rank = source.get_partial_shape().rank.get_length()
        added = build.parameter([-1] * rank, source.get_element_type())
        added.output(0).set_names({f"{name}{ADDED}"})
        zeros[f"{name}{ADDED}"] = np.zeros((1,) * rank, source.get_element_type().to_dtype())
        total = build.add(source, added)
        node.input(0).replace_source_output(total.output(0))
        parameters.append(added)
        seen.append(total.output(0))
        if name in weights:
            weight = build.parameter(list(weights[name].shape), node.input_value(1).get_element_type())
            weight.output(0).set_names({f"{name}{WEIGHT}"})
            node.input(1).replace_source_output(weight.output(0))
            parameters.append(weight)
    graph.add_parameters(parameters)
    graph.add_outputs(seen)
    graph.validate_nodes_and_infer_types()
