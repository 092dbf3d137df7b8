"""Runs the model with ONNX Runtime, an engine made for answering requests; or sets its options, where it runs there
already.

What it is
----------
The model is written once as an ONNX graph, and ONNX Runtime executes the graph: without Python between the
operations, with fused operations, and with a plan for memory that is made once. A model that is an ONNX file already
keeps its file; then other options of the engine are tried.

Why it is slow
--------------
A training framework decides at run time, operation by operation, what to do next, and allocates each result anew. For
a model whose graph never changes, all of this can be decided before the first request.

How it shows
------------
The habits `uncompiled-graph` and `python-bound`: much time between kernels, many small operations. Gains of 1.3 to 3
are usual for transformers and small convolutional networks on processors. For a model that runs there already,
waiting threads that spin (`cpu-quota-ignored`, `threads-oversubscribed`) are the option that matters most. It is also
the way to `int8-dynamic`, `int8-static` and `weight-only-int8`, which treat `full-precision-compute`.

When it does not matter
-----------------------
When the time goes into a few large matrix products, which the framework does as fast; when operations that ONNX does
not know would fall back to slow replacements. Convolutional networks can even lose, where the framework's
convolutions are better.

Risk
----
Operations are fused and ordered differently: the last bits differ. Values that the exporter saw as constants (a
length, a branch) stay constants: unslow exports with free axes where the requests need them, and checks every answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from unslow.core.variant import Fix, Parameters, Setting, Workshop
from unslow.core.workload import Workload
from unslow.fixes._export import not_exportable
from unslow.fixes._onnx import onnx_file
from unslow.fixes._settings import converted, half_precision, with_settings


def apply(workload: Workload, parameters: Parameters, workshop: Workshop) -> Workload:
    """Exports the model where it is not ONNX yet; sets the engine's options."""
    if workload.model.runtime == "onnxruntime":
        tuned = with_settings(workload, **parameters)
        path = onnx_file(workload, workshop)
        return tuned if path == tuned.model.path else replace(tuned, model=replace(tuned.model, path=path))
    options = {"graph_level": "all", **parameters}
    path = onnx_file(workload, workshop, exporter=options.pop("exporter", "program"))
    return converted(workload, "onnxruntime", path, workshop.facts, options)


def refuses(setting: Setting) -> str:
    """Refused for models without flat inputs, and for 16-bit ones, for which it has no kernels on processors."""
    if setting.workload.model.runtime == "onnxruntime":
        return ""
    if half := half_precision(setting.workload):
        return f"ONNX Runtime has no {half} kernels for processors"
    return not_exportable(setting.facts)


def space(setting: Setting) -> Sequence[Parameters]:
    """From elsewhere: by either exporter, whose graphs the engine fuses differently; then, as on it already, one
    option changed at a time.
    """
    if setting.workload.model.runtime != "onnxruntime":
        return ({}, {"exporter": "trace"}, {"spinning": False}, {"graph_level": "extended"}, {"arena": False})
    options: tuple[Parameters, ...] = (
        {"spinning": False},
        {"graph_level": "extended"},
        {"arena": False},
        {"graph_level": "all"},
    )
    present = {"graph_level": "all", "spinning": True, "arena": True, **setting.workload.model.settings}
    return tuple(option for option in options if any(present[key] != value for key, value in option.items()))


FIX = Fix(
    name="onnxruntime",
    does="runs the model with ONNX Runtime, or sets the engine's options where it runs there already",
    tag="numeric",
    slot="runtime",
    treats=(
        "uncompiled-graph",
        "python-bound",
        "autograd-at-inference",
        "full-precision-compute",
        "cpu-quota-ignored",
        "threads-oversubscribed",
    ),
    runtimes=frozenset({"torch-module", "exported-program", "onnxruntime"}),
    apply=apply,
    gives="onnxruntime",
    refuses=refuses,
    space=space,
    extra="onnx",
    libraries=("onnx", "onnxruntime"),
    odds=0.6,
    build_seconds=8.0,
)
