"""ONNX Runtime: answers from an `.onnx` file; NumPy out.

Settings: `graph_level` ("all", "extended", "basic", "disabled"), `intra_threads`, `inter_threads` (0: the library's
default; the host's threads win), `spinning`, `arena`, `execution` ("sequential", "parallel"), `provider` (default
"CPUExecutionProvider"), `inputs` (the caller's parameter names), `structure` (of the answer).
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any

from unslow.core.calls import Array, Request
from unslow.core.errors import BadInput, CannotRun
from unslow.core.runtime import Call, Runtime
from unslow.core.workload import Host, Model
from unslow.runtimes._arrays import Port, builder, mismatch, reader
from unslow.runtimes._failures import refused, unreadable

CPU = "CPUExecutionProvider"
LEVELS = {
    "all": "ORT_ENABLE_ALL",
    "extended": "ORT_ENABLE_EXTENDED",
    "basic": "ORT_ENABLE_BASIC",
    "disabled": "ORT_DISABLE_ALL",
}
DTYPES = {"float": "float32", "double": "float64", "string": "", "bfloat16": ""}
ERRORS_ONLY = 3


def open_onnxruntime(model: Model, host: Host, live: Any) -> Call:
    """A session of the file; one session answers from several threads at once."""
    library: Any = importlib.import_module("onnxruntime")
    session = _session(library, model, host)
    ports = [Port(found.name, _dtype(found.type), _shape(found.shape)) for found in session.get_inputs()]
    names = [found.name for found in session.get_outputs()]
    read = reader(ports, model.settings)
    build = builder(model.settings.get("structure"), names)
    return _call(session.run, read, build, ports, names)


def _call(
    run: Any,
    read: Callable[[Request], list[Array]],
    build: Callable[[Any], Any],
    ports: list[Port],
    names: list[str],
) -> Call:
    keys = [port.name for port in ports]

    def call(request: Request) -> Any:
        arrays = read(request)
        try:
            return build(run(names, dict(zip(keys, arrays, strict=True))))
        except Exception as error:  # the library's own exceptions derive from nothing narrower
            raise mismatch(ports, arrays) or refused(request, error) from error

    return call


def _session(library: Any, model: Model, host: Host) -> Any:
    provider = str(model.settings.get("provider") or CPU)
    if provider not in library.get_available_providers():
        raise CannotRun(
            f"The installed ONNX Runtime has no {provider}.",
            "Install the build of onnxruntime that has it (onnxruntime-gpu for CUDA).",
        )
    providers = [provider] if provider == CPU else [provider, CPU]
    try:
        return library.InferenceSession(model.path, _options(library, model.settings, host), providers=providers)
    except Exception as error:  # as above
        raise unreadable(model.path, "an ONNX model", error) from error


def _options(library: Any, settings: Mapping[str, Any], host: Host) -> Any:
    level = settings.get("graph_level", "all")
    if level not in LEVELS:
        raise BadInput(f"The graph level {level!r} is unknown.", f"The levels are: {', '.join(LEVELS)}.")
    options = library.SessionOptions()
    options.log_severity_level = ERRORS_ONLY
    options.graph_optimization_level = getattr(library.GraphOptimizationLevel, LEVELS[level])
    options.intra_op_num_threads = host.threads or int(settings.get("intra_threads", 0))
    options.inter_op_num_threads = int(settings.get("inter_threads", 0))
    options.enable_cpu_mem_arena = bool(settings.get("arena", True))
    if settings.get("execution") == "parallel":
        options.execution_mode = library.ExecutionMode.ORT_PARALLEL
    if "spinning" in settings:
        options.add_session_config_entry("session.intra_op.allow_spinning", "1" if settings["spinning"] else "0")
        options.add_session_config_entry("session.inter_op.allow_spinning", "1" if settings["spinning"] else "0")
    if host.flush_subnormals:
        options.add_session_config_entry("session.set_denormal_as_zero", "1")
    return options


def _dtype(tensor_type: str) -> str:
    inner = tensor_type.removeprefix("tensor(").removesuffix(")")
    return DTYPES.get(inner, inner)


def _shape(shape: list[Any] | None) -> tuple[int | None, ...] | None:
    """Lengths of fixed axes; symbols and unknown lengths as None. A scalar has the shape ()."""
    return None if shape is None else tuple(length if isinstance(length, int) else None for length in shape)


RUNTIME = Runtime("onnxruntime", open_onnxruntime, extra="onnx", libraries=("onnxruntime",))
