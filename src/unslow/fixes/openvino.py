"""Runs the model with OpenVINO, Intel's engine for answering requests, which also serves AMD processors well.

What it is
----------
The model is written once as a graph and handed to OpenVINO, which fuses operations, chooses a memory layout for each
layer, and compiles kernels for exactly this processor while it loads. It computes in 32-bit floats here (left alone
it would take bfloat16 where the processor has it, and answer differently). With the `THROUGHPUT` hint it splits the
cores between requests that run at the same time.

Why it is slow
--------------
A training framework decides operation by operation, at run time, what to do next, copies between layouts, and returns
to Python in between.

How it shows
------------
The habits `uncompiled-graph` and `python-bound`. Gains of 1.3 to 3 are usual for convolutional networks and
transformers. It is also the way to `bfloat16` and to 8 bits in OpenVINO, which treat `full-precision-compute`.

When it does not matter
-----------------------
When the time goes into a few large matrix products. With the `THROUGHPUT` hint a single request at a time gets
slower: it is for several at a time.

Risk
----
The last bits differ. With `static`, shapes are fixed to those of the requests, which lets the engine plan everything
beforehand; any other shape is refused then.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from unslow.core.facts import Facts
from unslow.core.offline import without_telemetry
from unslow.core.variant import Fix, Parameters, Setting, Workshop
from unslow.core.workload import Workload
from unslow.fixes._export import not_exportable
from unslow.fixes._onnx import onnx_file
from unslow.fixes._quiet import quiet
from unslow.fixes._settings import converted, half_precision, shapes_vary

GRAPH_FILE = "model.xml"

LEAST_PADDING = 0.01
"""Where less of the tokens is padding, nobody trims it, and all requests keep one shape."""


def apply(workload: Workload, parameters: Parameters, workshop: Workshop) -> Workload:
    """Converts the ONNX form of the model, in full precision, and sets the engine's hint and streams."""
    source = onnx_file(workload, workshop)
    shapes = _only_shapes(workshop.facts) if parameters.get("static") and not _lengths_change(workshop.facts) else {}
    key = {"source": source, "shapes": shapes}
    folder = workshop.make("openvino", key, lambda folder: _convert(source, shapes, folder / GRAPH_FILE))
    options = {"hint": "LATENCY", "precision": "f32", **parameters}
    options.pop("static", None)
    return converted(workload, "openvino", str(folder / GRAPH_FILE), workshop.facts, options)


def _convert(source: str, shapes: Mapping[str, Sequence[int]], path: Path) -> None:
    with quiet(), without_telemetry():
        openvino: Any = importlib.import_module("openvino")
        graph = openvino.Core().read_model(source)
        if shapes:
            graph.reshape({name: list(shape) for name, shape in shapes.items()})
        openvino.save_model(graph, str(path), compress_to_fp16=False)


def _only_shapes(facts: Facts) -> dict[str, tuple[int, ...]]:
    return {leaf.name: leaf.shapes[0][0] for leaf in facts.inputs}


def _lengths_change(facts: Facts) -> bool:
    """Whether requests have several shapes, or will have once their padding is trimmed; of made ones nobody knows."""
    return shapes_vary(facts) or facts.padding_share >= LEAST_PADDING or facts.made_inputs


def refuses(setting: Setting) -> str:
    """Refused for models without flat inputs, and for those that were made 16-bit before."""
    if half := half_precision(setting.workload):
        return f"the model computes in {half} already; OpenVINO has its own switch for that, to be set afterwards"
    return "" if setting.workload.model.runtime == "onnxruntime" else not_exportable(setting.facts)


def space(setting: Setting) -> Sequence[Parameters]:
    """One request at a time: the latency hint, with fixed shapes first where all are equal. Else several streams."""
    if setting.objective != "latency":
        return ({"hint": "THROUGHPUT"}, {"hint": "LATENCY"})
    free: Parameters = {"hint": "LATENCY", "static": False}
    return (free,) if _lengths_change(setting.facts) else ({**free, "static": True}, free)


FIX = Fix(
    name="openvino",
    does="runs the model with OpenVINO, in 32-bit floats",
    tag="numeric",
    slot="runtime",
    treats=("uncompiled-graph", "python-bound", "autograd-at-inference", "full-precision-compute"),
    runtimes=frozenset({"torch-module", "exported-program", "onnxruntime"}),
    apply=apply,
    gives="openvino",
    refuses=refuses,
    space=space,
    extra="openvino",
    libraries=("onnx", "openvino"),
    odds=0.65,
    build_seconds=9.0,
)
