"""Makes a smaller OpenVINO graph with NNCF: reads, changes, saves; and names the layers that can be left out."""

from __future__ import annotations

import importlib
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from unslow.core.errors import BadInput
from unslow.core.offline import without_telemetry
from unslow.core.variant import ArrayRequest, Parameters
from unslow.fixes._quiet import quiet

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


def quantised(
    nncf: Any, graph: Any, parameters: Parameters, requests: Sequence[ArrayRequest], names: Sequence[str]
) -> Any:
    """The graph with weights and results in 8 bits, calibrated on the requests, inputs in the order of `names`."""

    def by(transformer: bool) -> Any:
        return nncf.quantize(
            graph,
            nncf.Dataset([[request[name] for name in names] for request in requests]),
            preset=nncf.QuantizationPreset(parameters.get("preset", "mixed")),
            model_type=nncf.ModelType.TRANSFORMER if transformer else None,
            subset_size=len(requests),
            fast_bias_correction=bool(parameters.get("fast_bias_correction", True)),
            target_device=nncf.TargetDevice.CPU,
            ignored_scope=ignored(nncf, graph, parameters.get("exclude", ())),
            advanced_parameters=nncf.AdvancedQuantizationParameters(**_advanced(parameters)),
        )

    try:
        return by(bool(parameters.get("transformer")))
    except KeyError:  # correcting the bias fails on tables of embeddings, which the rules for transformers leave out
        return by(True)


def _advanced(parameters: Parameters) -> dict[str, Any]:
    """How strongly large values are moved into the weights; whether ranges reach to the extremes or to their mean."""
    chosen: dict[str, Any] = {}
    if "smooth_quant_alpha" in parameters:
        chosen["smooth_quant_alpha"] = float(parameters["smooth_quant_alpha"])
    if parameters.get("ranges") == "extremes":
        ranges: Any = importlib.import_module("nncf.quantization.range_estimator")
        chosen["activations_range_estimator_params"] = ranges.RangeEstimatorParametersSet.MINMAX
    return chosen
