"""Makes a smaller OpenVINO graph with NNCF: reads, changes, saves; and names the layers that can be left out."""

from __future__ import annotations

import importlib
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from unslow.core.errors import BadInput
from unslow.core.variant import ArrayRequest
from unslow.fixes._quiet import quiet, without_telemetry

_WITH_WEIGHTS = ("MatMul", "Convolution", "GroupConvolution")
_SEED = 0


def rewritten(source: str, path: Path, change: Callable[[Any, Any], Any]) -> None:
    """Saves what `change(nncf, graph)` gives for the graph in `source`, with its 32-bit parts as they are."""
    with quiet(), without_telemetry():
        openvino: Any = importlib.import_module("openvino")
        nncf: Any = importlib.import_module("nncf")
        logging.getLogger("nncf").setLevel(logging.ERROR)
        np.random.seed(_SEED)  # NNCF draws samples from NumPy's global generator
        graph = change(nncf, openvino.Core().read_model(source))
        openvino.save_model(graph, str(path), compress_to_fp16=False)


def ignored(nncf: Any, graph: Any, names: Sequence[str]) -> Any:
    """NNCF's scope of the layers that stay as they are.

    Raises
    ------
    BadInput
        The graph has no layer of such a name.
    """
    unknown = sorted(set(names) - {node.get_friendly_name() for node in graph.get_ordered_ops()})
    if unknown:
        raise BadInput(f"The graph has no layer {unknown[0]!r}.", "Exclude layers by their names in this graph.")
    return nncf.IgnoredScope(names=list(names)) if names else None


def openvino_layers(source: str) -> tuple[str, ...]:
    """The names of the layers that multiply by constant weights, in the graph's order."""
    openvino: Any = importlib.import_module("openvino")
    operations = openvino.Core().read_model(source).get_ordered_ops()
    return tuple(
        node.get_friendly_name()
        for node in operations
        if node.get_type_name() in _WITH_WEIGHTS and _comes_from_constants(node.input_value(1).get_node())
    )


def _comes_from_constants(node: Any) -> bool:
    inputs = [value.get_node() for value in node.input_values()]
    if not inputs:
        return node.get_type_name() == "Constant"
    return all(map(_comes_from_constants, inputs))


def dataset(nncf: Any, requests: Sequence[ArrayRequest], names: Sequence[str]) -> Any:
    """NNCF's dataset over the requests, as lists in the order of the graph's inputs."""
    return nncf.Dataset([[request[name] for name in names] for request in requests])
