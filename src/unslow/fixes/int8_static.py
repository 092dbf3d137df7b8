"""Computes in 8 bits throughout, with scales fixed beforehand from your own inputs.

What it is
----------
Up to 128 of your requests are run once while the range of each intermediate result is written down. Weights and results
are then stored as 8-bit integers with these fixed scales, so that layers hand 8-bit results to one another. On ONNX
Runtime its own quantiser does it, on OpenVINO NNCF, which also corrects the bias that rounding leaves.

Why it is slow
--------------
A float32 product moves four times as many bytes as an 8-bit one, and processors with VNNI multiply four 8-bit pairs
in the time of one float32 pair. Full precision is rarely needed to give the same answer.

How it shows
------------
The habit `full-precision-compute`. Convolutional networks gain most, 1.5 to 3 times; `int8-dynamic` does not treat
them.

When it does not matter
-----------------------
On processors without 8-bit instructions; for small models, where converting between types takes what is won.

Risk
----
Answers change, more than with `int8-dynamic`, and most where a few values are very large (the guard must show that
the metric holds). The ranges come from the requests seen: others may exceed them and are cut off. Layers that hurt
can be left out (`exclude`).
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from unslow.core.variant import ArrayRequest, Fix, Layers, Parameters, Rounding, Setting, Workshop
from unslow.core.workload import Workload
from unslow.fixes._calibration import MOST_FOR_HISTOGRAMS, calibration_requests, of_one_shape, onnx_reader
from unslow.fixes._nncf import quantised, rewritten
from unslow.fixes._onnx import MODEL_FILE
from unslow.fixes._quantization import (
    float_graph,
    graph_inputs,
    layers_to_quantise,
    multiplies_safely,
    no_layers,
    no_tool,
    operators,
    rescuable,
)
from unslow.fixes._quiet import quiet
from unslow.fixes._settings import no_gain, shapes_vary

GRAPH_FILE = "model.xml"
_PRODUCTS = ("MatMul", "Gemm")
_OF_TRANSFORMERS = ("Attention", "Transformer", "Embedding")


def apply(workload: Workload, parameters: Parameters, workshop: Workshop) -> Workload:
    """Calibrates on the user's requests and quantises, with the tool of the model's runtime.

    Raises
    ------
    BadInput
        No layer can be quantised, or an excluded one does not exist.
    """
    if workload.model.runtime == "openvino":
        return _with_nncf(workload, parameters, workshop)
    graph = float_graph(workload, workshop)
    key = {"graph": str(graph), **parameters}

    def build(folder: Path) -> None:
        _quantise(graph, folder / MODEL_FILE, parameters, _seen(parameters, workshop))

    path = workshop.make("int8-static", key, build) / MODEL_FILE
    return replace(workload, model=replace(workload.model, path=str(path)))


def _seen(parameters: Parameters, workshop: Workshop) -> list[ArrayRequest]:
    if parameters.get("method", "MinMax") == "MinMax":
        return calibration_requests(workshop)
    return of_one_shape(calibration_requests(workshop))[:MOST_FOR_HISTOGRAMS]


def _quantise(graph: Path, path: Path, parameters: Parameters, requests: Sequence[ArrayRequest]) -> None:
    quantization: Any = importlib.import_module("onnxruntime.quantization")
    found = operators(graph)
    chosen = layers_to_quantise(graph, ("Conv", *_PRODUCTS), parameters)
    # Between convolutions everything stays in 8 bits. Elsewhere only the products do: normalisations and softmax in
    # 8 bits cost accuracy and win nothing.
    selection: dict[str, Any] = (
        {"nodes_to_exclude": list(parameters.get("exclude", ()))}
        if found["Conv"]
        else {"op_types_to_quantize": list(_PRODUCTS), "nodes_to_quantize": list(chosen)}
    )
    with quiet():
        quantization.quantize_static(
            str(graph),
            str(path),
            onnx_reader(quantization.CalibrationDataReader, requests, graph_inputs(graph)),
            quant_format=quantization.QuantFormat.QDQ,
            per_channel=bool(parameters.get("per_channel", True)),
            reduce_range=bool(parameters.get("reduce_range", False)),
            activation_type=quantization.QuantType.from_string(parameters.get("activation_type", "QUInt8")),
            weight_type=quantization.QuantType.QInt8,
            calibrate_method=getattr(quantization.CalibrationMethod, parameters.get("method", "MinMax")),
            extra_options={"MatMulConstBOnly": True},
            **selection,
        )


def _with_nncf(workload: Workload, parameters: Parameters, workshop: Workshop) -> Workload:
    source = workload.model.path
    names = workload.model.settings.get("inputs") or [leaf.name for leaf in workshop.facts.inputs]
    key = {"source": source, **parameters}

    def build(folder: Path) -> None:
        requests = calibration_requests(workshop)
        rewritten(source, folder / GRAPH_FILE, lambda nncf, graph: quantised(nncf, graph, parameters, requests, names))

    path = workshop.make("int8-static-openvino", key, build) / GRAPH_FILE
    return replace(workload, model=replace(workload.model, path=str(path)))


def layers_of(workload: Workload, parameters: Parameters, workshop: Workshop) -> Layers:
    """The convolutions and matrix products, and how they are rounded."""
    bits = 7 if parameters.get("reduce_range") else 8
    rounding = Rounding(bits, bool(parameters.get("per_channel", True)), "fixed")
    return Layers(rescuable(workload, workshop), rounding)


def refuses(setting: Setting) -> str:
    """Refused where 8-bit products are known not to pay, and where nobody gave inputs to learn the ranges from."""
    if setting.facts.made_inputs:
        return "the inputs are made up, and ranges learned from them would be wrong for yours"
    return no_tool(setting) or no_layers(setting.facts) or no_gain(setting, "int8")


def space(setting: Setting) -> Sequence[Parameters]:
    """By the runtime's tool and the kind of model.

    Transformers have values far from the rest: NNCF moves them into the weights (with `smooth_quant_alpha` at 0.5 the
    worst answer of a sentence encoder kept a cosine of 0.97, at the default 0.86), ONNX Runtime cuts them off by
    histograms, which take requests of one shape only. Convolutions need a scale per channel.
    """
    transformer = any(word in name for name in setting.facts.modules for word in _OF_TRANSFORMERS)
    if setting.workload.model.runtime == "openvino":
        plain: Parameters = {"preset": "mixed", "transformer": transformer}
        if transformer:
            return ({**plain, "smooth_quant_alpha": 0.5}, plain, {**plain, "preset": "performance"})
        return (plain, {**plain, "ranges": "extremes"}, {**plain, "preset": "performance"})
    first: Parameters = {
        "per_channel": True,
        "reduce_range": not multiplies_safely(setting),
        "activation_type": "QUInt8",
    }
    methods = (
        ("Entropy", "Percentile", "MinMax") if transformer and not shapes_vary(setting.facts) else ("MinMax", "Entropy")
    )
    return tuple({**first, "method": method} for method in methods)


FIX = Fix(
    name="int8-static",
    does="computes in 8 bits with scales fixed beforehand from your inputs",
    tag="lossy",
    slot="precision",
    treats=("full-precision-compute",),
    runtimes=frozenset({"onnxruntime", "openvino"}),
    apply=apply,
    refuses=refuses,
    space=space,
    odds=0.45,
    build_seconds=20.0,
    layers=layers_of,
)
