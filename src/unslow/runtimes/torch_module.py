"""PyTorch, eager or compiled: a live module or callable, or a `torch.export` `.pt2` file.

Settings: `inference_mode`, `eval`, `dtype` ("float32", "bfloat16", "float16"), `output_dtypes` (what the floating
outputs are cast back to, one per leaf), `autocast` ("bfloat16", "float16"), `memory_format` ("channels_last"),
`compile` ({"mode", "dynamic", "freezing"}), `inputs` (the caller's parameter names), `structure` (of the answer, where
the file gives a flat tuple). The module is changed in place.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any

from unslow.core.errors import BadInput
from unslow.core.runtime import Call, Runtime
from unslow.core.workload import Host, Model
from unslow.runtimes._exported import binder, checker, open_program, ports_of, program_names, signature_of
from unslow.runtimes._failures import guarded
from unslow.runtimes._torch import input_converter, prepare_module, torch_call


def open_torch_module(model: Model, host: Host, live: Any) -> Call:
    """Calls `live`, or the exported program at `model.path`; arrays come in as tensors, tensors come out."""
    if model.path:
        return _open_saved(model, host)
    if not callable(live):
        raise BadInput(
            f"The model is of type {type(live).__name__}, which cannot be called.",
            "Give a torch.nn.Module or a callable.",
        )
    return guarded(torch_call(live, model.settings, host))


def open_exported(model: Model, host: Host) -> Call:
    """Calls the module of an exported program as its caller would, gradients on unless `inference_mode` is set."""
    program = open_program(model.path)
    signature = signature_of(program.call_spec.in_spec)
    bind = binder(signature, program_names(program, signature, model.settings))
    return guarded(torch_call(program.module(), model.settings, host, bind))


def prepared(module: Any, settings: Mapping[str, Any]) -> Callable[[Any], Any]:
    """Puts a module into the mode, dtype and memory format that are set, in place; what makes its tensors of arrays."""
    torch: Any = importlib.import_module("torch")
    prepare_module(torch, module, settings)
    return input_converter(torch, settings)


def _open_saved(model: Model, host: Host) -> Call:
    """A program that a fix or a bundle saved, to be called often: its dtypes and fixed axes are checked here.

    The checks of `ExportedProgram.module()` cost 0.1 ms a call (measured: 0.15 to 0.2 ms with, 0.07 without).
    """
    program = open_program(model.path)
    signature = signature_of(program.call_spec.in_spec)
    bind = binder(signature, program_names(program, signature, model.settings))
    if not signature.flat:
        return open_exported(model, host)
    module = program.module(check_guards=False)
    check = checker(ports_of(program, str(model.settings.get("dtype") or "")))
    return guarded(torch_call(module, model.settings, host, bind, check))


RUNTIME = Runtime("torch-module", open_torch_module, extra="torch", libraries=("torch",))
