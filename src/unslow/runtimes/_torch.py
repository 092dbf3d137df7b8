"""For runtimes that call PyTorch modules: values in and out, modes, compilation, as wrappers around a forward.

Each setting adds one closure around the forward; what is not set costs nothing per call.
"""

from __future__ import annotations

import importlib
import itertools
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from unslow.core.calls import Request, leaves_of
from unslow.core.errors import BadInput
from unslow.core.runtime import Call
from unslow.core.workload import Host
from unslow.runtimes._arrays import builder
from unslow.runtimes._exported import Bind, Check

Forward = Callable[..., Any]
DTYPES = ("float32", "bfloat16", "float16")
LOW = ("bfloat16", "float16")


def settle(torch: Any, host: Host) -> None:
    """Sets what holds for the whole process; threads that are made later inherit the subnormal mode."""
    if host.threads:
        torch.set_num_threads(host.threads)
    if host.flush_subnormals and not torch.set_flush_denormal(True):
        raise BadInput("This processor cannot flush subnormal numbers to zero.", "Leave the fix flush-subnormals out.")


def torch_call(
    module: Any, settings: Mapping[str, Any], host: Host, bind: Bind | None = None, check: Check | None = None
) -> Call:
    """`Request -> answer` for a module or a callable that takes tensors; the module is changed in place, as set.

    `bind` rearranges arguments for an exported program, whose modes (`eval`) are fixed by the export; `check` looks at
    its tensors, in place of the module's own checks, which are then gone round.
    """
    torch: Any = importlib.import_module("torch")
    settle(torch, host)
    prepare_module(torch, module, settings, exported=bind is not None)
    called = module if check is None else module.forward
    forward = with_modes(torch, compiled(torch, called, settings), settings)
    if check is not None:
        forward = _checked(forward, check)
    tensor = input_converter(torch, settings)
    back = output_converter(torch, settings)

    def call(request: Request) -> Any:
        args, kwargs = (request.args, request.kwargs) if bind is None else bind(request)
        if kwargs:
            named = {name: tensor(value) for name, value in kwargs.items()}
            return forward(*[tensor(value) for value in args], **named)
        return forward(*[tensor(value) for value in args])

    return call if back is None else lambda request: back(call(request))


def _checked(forward: Forward, check: Check) -> Forward:
    def checked(*args: Any, **kwargs: Any) -> Any:
        check((*args, *kwargs.values()))
        return forward(*args, **kwargs)

    return checked


def prepare_module(torch: Any, module: Any, settings: Mapping[str, Any], *, exported: bool = False) -> None:
    """Puts the module into the mode, dtype and memory format that the settings ask for, in place."""
    wants = [name for name in ("dtype", "memory_format", "eval") if settings.get(name)]
    if wants and not isinstance(module, torch.nn.Module):
        raise BadInput(
            f"The setting {wants[0]!r} needs a torch.nn.Module; the model is a {type(module).__name__}.",
            "Give the module itself as the model, not a function around it.",
        )
    if settings.get("eval") and not exported:
        module.eval()
    if settings.get("dtype"):
        module.to(dtype_of(torch, settings["dtype"]))
    if settings.get("memory_format") == "channels_last":
        module.to(memory_format=torch.channels_last)


def dtype_of(torch: Any, name: str) -> Any:
    """torch's dtype of this name, one of `DTYPES`."""
    if name not in DTYPES:
        raise BadInput(f"The dtype {name!r} is unknown.", f"The dtypes are: {', '.join(DTYPES)}.")
    return getattr(torch, name)


def compiled(torch: Any, module: Any, settings: Mapping[str, Any]) -> Forward:
    """`torch.compile` with the setting `compile` ({"mode", "dynamic", "freezing"}); the module itself without it."""
    wanted = settings.get("compile")
    if not wanted:
        return module
    forward = torch.compile(module, mode=wanted.get("mode"), dynamic=wanted.get("dynamic"))
    return _freezing(forward) if wanted.get("freezing") else forward


def _freezing(forward: Forward) -> Forward:
    """Compiles with weights as constants. The option is per thread and read while tracing: set around each call."""
    config: Any = importlib.import_module("torch._inductor.config")

    def frozen(*args: Any, **kwargs: Any) -> Any:
        before = config.freezing
        config.freezing = True
        try:
            return forward(*args, **kwargs)
        finally:
            config.freezing = before

    return frozen


def with_modes(torch: Any, forward: Forward, settings: Mapping[str, Any]) -> Forward:
    """`forward` inside `inference_mode` and autocast, as set; both are per thread, hence entered per call."""
    autocast = settings.get("autocast")
    inference = settings.get("inference_mode")
    if autocast:
        forward = _cast_automatically(torch, forward, dtype_of(torch, autocast))
    if not inference:
        return forward
    mode = torch.inference_mode

    def without_gradients(*args: Any, **kwargs: Any) -> Any:
        with mode():
            return forward(*args, **kwargs)

    return without_gradients


def _cast_automatically(torch: Any, forward: Forward, dtype: Any) -> Forward:
    def cast(*args: Any, **kwargs: Any) -> Any:
        with torch.autocast("cpu", dtype=dtype):
            return forward(*args, **kwargs)

    return cast


def input_converter(torch: Any, settings: Mapping[str, Any]) -> Callable[[Any], Any]:
    """`tensor(value)`: arrays as tensors that share their memory; floating ones in the dtype and layout set."""
    change = _input_change(torch, settings)
    plain = torch.Tensor

    def tensor(value: Any) -> Any:
        if isinstance(value, plain):
            return value if change is None else change(value)
        if isinstance(value, (np.ndarray, np.generic)):
            made = from_array(torch, value)
            return made if change is None else change(made)
        if type(value) in (list, tuple):
            return type(value)(map(tensor, value))
        return value

    return tensor


def from_array(torch: Any, given: Any) -> Any:
    """The tensor on an array's memory; a copy where torch cannot share it (read-only, negative strides, a scalar)."""
    shared = given.flags.writeable and min(given.strides, default=0) >= 0
    return torch.from_numpy(given if shared else np.array(given))


def _input_change(torch: Any, settings: Mapping[str, Any]) -> Callable[[Any], Any] | None:
    dtype = dtype_of(torch, settings["dtype"]) if settings.get("dtype") else None
    last = torch.channels_last if settings.get("memory_format") == "channels_last" else None
    if dtype is None and last is None:
        return None

    def change(value: Any) -> Any:
        if not value.is_floating_point():
            return value
        if dtype is not None:
            value = value.to(dtype)
        return value.contiguous(memory_format=last) if last is not None and value.dim() == 4 else value

    return change


def output_converter(torch: Any, settings: Mapping[str, Any]) -> Callable[[Any], Any] | None:
    """What is done to an answer: low-precision leaves back to the original's dtypes, and the original's structure.

    `output_dtypes` are the original's, one per leaf in order; without them bfloat16 and float16 become float32.
    """
    cast = _output_cast(torch, settings)
    if not settings.get("structure"):
        return cast
    build = builder(settings["structure"], ())
    if cast is None:
        return lambda answer: build(list(leaves_of(answer)))
    return lambda answer: cast(build(list(leaves_of(answer))))


def _output_cast(torch: Any, settings: Mapping[str, Any]) -> Callable[[Any], Any] | None:
    if not (settings.get("dtype") or settings.get("autocast")):
        return None
    names = tuple(settings.get("output_dtypes") or ())
    wanted = [getattr(torch, name) for name in names]
    low = [getattr(torch, name) for name in LOW]
    tree: Any = importlib.import_module("torch.utils._pytree")

    def one(index: int, value: Any) -> Any:
        if not value.is_floating_point():
            return value
        if index < len(wanted):
            return value.to(wanted[index])
        return value.to(torch.float32) if value.dtype in low else value

    def cast(answer: Any) -> Any:
        if isinstance(answer, torch.Tensor):
            return one(0, answer)
        order = itertools.count()

        def next_one(value: Any) -> Any:
            return one(next(order), value)

        # pytree keeps the classes of answers that frameworks registered with it.
        return tree.tree_map_only(torch.Tensor, next_one, answer)

    return cast
