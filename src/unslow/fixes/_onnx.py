"""Writes the user's torch model as an ONNX file, once for all the fixes that start from one."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from unslow.core.calls import leaf_names
from unslow.core.errors import BadInput
from unslow.core.facts import Facts
from unslow.core.variant import Workshop
from unslow.core.workload import Workload
from unslow.fixes._export import Prepared, exported_program, first_line, free_axes, prepared
from unslow.fixes._quiet import quiet

MODEL_FILE = "model.onnx"
LARGEST_INLINE_BYTES = 1 << 30
"""Protocol buffers end at 2 GiB; above half of that the weights go into a file beside the graph."""


def onnx_file(workload: Workload, workshop: Workshop, exporter: str = "program") -> str:
    """The path of the workload's model as an ONNX file: its own, or one exported from torch (kept in the workshop).

    Inputs have the names and order of `facts.inputs`, outputs are the leaves of the answer in order. Axes that vary,
    and axis 0 where requests can be joined, take any length where the model allows it. `exporter`: "program" (through
    `torch.export`, and where that fails as "trace") or "trace" (runs the model and writes down what it did).

    Raises
    ------
    BadInput
        No exporter takes the model.
    """
    if workload.model.runtime == "onnxruntime":
        return workload.model.path or workload.target.location
    settings = workload.model.settings
    key = {
        "model": [workload.model.runtime, workload.model.path],
        "dtype": settings.get("dtype", ""),
        "axes": free_axes(workshop.facts),
        "exporter": exporter,
    }
    return str(workshop.make("onnx", key, lambda folder: _export(workload, workshop, folder, exporter)) / MODEL_FILE)


def _export(workload: Workload, workshop: Workshop, folder: Path, exporter: str) -> None:
    path = folder / MODEL_FILE
    outputs = output_names(workshop.facts)
    ways = (_export_by_trace,) if exporter == "trace" else (_export_by_program, _export_by_trace)
    reasons: list[str] = []
    with prepared(workload, workshop) as ready:
        for way in ways:
            try:
                way(ready, outputs, path)
                break
            except Exception as error:  # exporters raise whatever the model's own code or the tracer raised
                reasons.append(first_line(error))
        else:
            raise BadInput(f"The model cannot be written as ONNX: {reasons[0]}", reasons[-1])
    finish(path, [leaf.name for leaf in workshop.facts.inputs], len(outputs))


def output_names(facts: Facts) -> list[str]:
    """A name for each output that no input has."""
    names = [leaf.name for leaf in facts.outputs]
    if not names and facts.output_structure:
        names = list(leaf_names(facts.output_structure))
    taken = {leaf.name for leaf in facts.inputs}
    return [f"{name}_out" if name in taken else name for name in names]


def _export_by_program(ready: Prepared, outputs: Sequence[str], path: Path) -> None:
    torch: Any = importlib.import_module("torch")
    program = exported_program(ready)
    with quiet():
        written = torch.onnx.export(
            program, input_names=list(ready.names), output_names=list(outputs) or None, dynamo=True, verbose=False
        )
        written.save(str(path), external_data=_bytes(ready.module) > LARGEST_INLINE_BYTES)


def _export_by_trace(ready: Prepared, outputs: Sequence[str], path: Path) -> None:
    torch: Any = importlib.import_module("torch")
    axes = {name: {axis: f"{name}_{axis}" for axis in axes} for name, axes in ready.wished.items()}
    with quiet():
        torch.onnx.export(
            ready.module, ready.example, str(path), dynamo=False, dynamic_axes=axes,
            input_names=list(ready.names), output_names=list(outputs) or None,
        )  # fmt: skip


def _bytes(module: Any) -> int:
    return sum(parameter.numel() * parameter.element_size() for parameter in module.parameters())


def finish(path: Path, inputs: Sequence[str], outputs: int) -> None:
    """Strips the exporter's notes (they hold the paths of source files) and checks the file.

    Raises
    ------
    BadInput
        The graph has not the inputs and outputs that the model has.
    """
    onnx: Any = importlib.import_module("onnx")
    model = onnx.load(str(path), load_external_data=False)
    for node in model.graph.node:
        node.doc_string = ""
        del node.metadata_props[:]
    for value in [*model.graph.value_info, *model.graph.initializer]:
        value.doc_string = ""
    missing = [name for name in inputs if name not in {value.name for value in model.graph.input}]
    if missing:
        raise BadInput(f"The exported graph lost the input {missing[0]!r}.", "The model does not use it: leave it out.")
    if outputs and len(model.graph.output) != outputs:
        raise BadInput(
            f"The exported graph has {len(model.graph.output)} outputs, the model answers with {outputs} arrays.",
            "Let the model answer with tensors only, in tuples, lists or dicts.",
        )
    onnx.save(model, str(path))
    onnx.checker.check_model(str(path))
