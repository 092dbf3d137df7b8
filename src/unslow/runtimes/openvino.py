"""OpenVINO: answers from an `.xml` (with its `.bin`) or an `.onnx` file; NumPy out.

Settings: `hint` ("LATENCY", "THROUGHPUT"), `streams` (a number or "AUTO"), `precision` ("f32", "bf16", "f16"; default
f32, said explicitly, since the library would choose bfloat16 by itself where the processor has it), `inputs` (the
caller's parameter names), `structure` (of the answer).
"""

from __future__ import annotations

import importlib
import threading
from collections.abc import Mapping
from typing import Any

import numpy as np

from unslow.core.calls import Request
from unslow.core.errors import BadInput
from unslow.core.offline import without_telemetry
from unslow.core.runtime import Call, Runtime
from unslow.core.workload import Host, Model
from unslow.runtimes._arrays import Port, builder, mismatch, reader
from unslow.runtimes._failures import REFUSALS, refused, unreadable

PRECISIONS = ("f32", "bf16", "f16")
KINDS = {"f": "float", "i": "int", "u": "uint"}
FLOAT_BITS = ("16", "32", "64")
INTEGER_BITS = ("8", "16", "32", "64")


def open_openvino(model: Model, host: Host, live: Any) -> Call:
    """A compiled model with one infer request per thread: an infer request answers one call at a time."""
    with without_telemetry():
        library: Any = importlib.import_module("openvino")
    core = library.Core()
    try:
        compiled = core.compile_model(model.path, "CPU", options_of(model.settings, host))
    except REFUSALS as error:
        raise unreadable(model.path, "an OpenVINO or ONNX model", error) from error
    ports = [_port(found) for found in compiled.inputs]
    names = [_name(found, f"output{index}") for index, found in enumerate(compiled.outputs)]
    build = builder(model.settings.get("structure"), names)
    return _call(library.Tensor, compiled, ports, reader(ports, model.settings), build)


def _call(tensor: Any, compiled: Any, ports: list[Port], read: Any, build: Any) -> Call:
    dtypes = [np.dtype(port.dtype) if port.dtype else None for port in ports]
    own = threading.local()

    def call(request: Request) -> Any:
        arrays = read(request)
        # OpenVINO converts other dtypes silently; what it would answer is not what the caller asked.
        for array, dtype in zip(arrays, dtypes, strict=True):
            if dtype is not None and array.dtype != dtype:
                raise mismatch(ports, arrays) or AssertionError
        try:
            infer = own.infer
        except AttributeError:
            infer = own.infer = compiled.create_infer_request()
        try:
            for index, array in enumerate(arrays):
                whole = array if array.flags.c_contiguous else np.ascontiguousarray(array)
                infer.set_input_tensor(index, tensor(whole, shared_memory=True))
            # share_outputs would be a view of a buffer that the next call overwrites: the copy is needed.
            return build(list(infer.infer(share_outputs=False).values()))
        except REFUSALS as error:
            raise mismatch(ports, arrays) or refused(request, error) from error

    return call


def options_of(settings: Mapping[str, Any], host: Host) -> dict[str, Any]:
    """The compile options in OpenVINO's own names."""
    precision = settings.get("precision", "f32")
    if precision not in PRECISIONS:
        raise BadInput(f"The precision {precision!r} is unknown.", f"The precisions are: {', '.join(PRECISIONS)}.")
    options: dict[str, Any] = {
        "INFERENCE_PRECISION_HINT": precision,
        "PERFORMANCE_HINT": settings.get("hint", "LATENCY"),
    }
    if "streams" in settings:
        options["NUM_STREAMS"] = str(settings["streams"])
    if host.threads:
        options["INFERENCE_NUM_THREADS"] = host.threads
    if host.flush_subnormals:
        options["CPU_DENORMALS_OPTIMIZATION"] = True
    return options


def _port(found: Any) -> Port:
    shape = found.partial_shape
    lengths = None if shape.rank.is_dynamic else tuple(None if axis.is_dynamic else axis.get_length() for axis in shape)
    return Port(_name(found, "input"), _dtype(found.element_type), lengths)


def _dtype(element: Any) -> str:
    """NumPy's name of an element type; "" for those that NumPy has not (bfloat16, 4-bit integers, text)."""
    name = str(element.get_type_name())
    if name == "boolean":
        return "bool"
    kind, bits = name[0], name[1:]
    known = (kind == "f" and bits in FLOAT_BITS) or (kind in "iu" and bits in INTEGER_BITS)
    return f"{KINDS[kind]}{bits}" if known else ""


def _name(found: Any, default: str) -> str:
    return found.get_any_name() if found.get_names() else default


RUNTIME = Runtime("openvino", open_openvino, extra="openvino", libraries=("openvino",))
