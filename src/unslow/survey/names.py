"""The names of a model's inputs: the model file's own, the parameters of `forward` or of the callable, else the
requests'."""

from __future__ import annotations

import importlib
import inspect
from typing import Any, cast

from unslow.core.calls import as_request
from unslow.core.workload import Inference, Workload

POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


def names_of(workload: Workload, inference: Inference) -> tuple[str, ...]:
    """In the order of the model's parameters; only those that the first request gives, for a callable."""
    raw = inference.inputs[0]
    request = as_request(inference.prepare(raw) if inference.prepare else raw)
    given = tuple(request.kwargs)
    if workload.model.path:
        return _declared(workload) or given
    model = inference.model
    positional = _positional(getattr(model, "forward", model))
    head = [positional[index] if index < len(positional) else f"input{index}" for index in range(len(request.args))]
    return (*head, *(name for name in given if name not in head))


def _positional(function: Any) -> list[str]:
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError):  # Built-in functions have none.
        return []
    return [name for name, parameter in parameters.items() if parameter.kind in POSITIONAL]


def _declared(workload: Workload) -> tuple[str, ...]:
    if workload.model.runtime == "onnxruntime":
        onnxruntime: Any = importlib.import_module("onnxruntime")
        session = onnxruntime.InferenceSession(workload.model.path, providers=["CPUExecutionProvider"])
        return tuple(entry.name for entry in session.get_inputs())
    listed = cast("list[Any]", workload.model.settings.get("inputs", ()))
    return tuple(map(_name, listed))


def _name(entry: Any) -> str:
    return str(entry["name"] if hasattr(entry, "keys") else entry)
