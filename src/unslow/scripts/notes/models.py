"""`model`: a call of a model that no other model makes, with what it computes in, its layout, and how it is run."""

from __future__ import annotations

import functools
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from types import CodeType
from typing import Any

from unslow.core.calls import leaves_of
from unslow.scripts.events import around_outermost
from unslow.scripts.imports import when_imported
from unslow.scripts.notes._notes import Notes, Watch
from unslow.scripts.sites import Called, called_from, frame_from

MOST_SHAPES = 16
"""Different shapes of the inputs that are told apart at one place."""
IMAGE_AXES = 4


def begin(notes: Notes) -> None:
    """From now on."""
    when_imported("torch.nn.modules.module", functools.partial(_patch, notes))


def _patch(notes: Notes, library: Any) -> None:
    seen: dict[tuple[CodeType, int], _Place] = {}

    def noted(call: Callable[[], Any], given: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        model, *args = given
        frame = frame_from(2)
        if frame is None:
            return call()
        key = frame.f_code, frame.f_lasti
        if key not in seen:
            seen[key] = _Place(called_from(2), _of_call(model, args, kwargs))
        result = call()
        place = seen[key]
        place.sees(args, kwargs, result)
        notes.note("model", place.called, place.details)
        return result

    around_outermost(library, noted, notes)


class _Place:
    """A call in the user's source: what is known of it grows while it is called."""

    def __init__(self, called: Called | None, details: dict[str, Any]) -> None:
        self.called, self.details = called, details
        self._last: Any = None
        self._shapes: set[Any] = set()

    def sees(self, args: Sequence[Any], kwargs: dict[str, Any], result: Any) -> None:
        """One more call."""
        shapes = _shapes((*args, *kwargs.values()))
        if shapes == self._last:
            return
        self._last = shapes
        if "returns" not in self.details:
            self.details["returns"] = _dtype(result)
        if len(self._shapes) < MOST_SHAPES:
            self._shapes.add(shapes)
            self.details["shapes"] = len(self._shapes)


def _shapes(values: Iterable[Any]) -> tuple[Any, ...]:
    return tuple(
        value.shape if hasattr(value, "shape") else tuple(getattr(leaf, "shape", None) for leaf in leaves_of(value))
        for value in values
    )


def _of_call(model: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> dict[str, Any]:
    """All that a habit may ask of a model and its inputs; plain JSON."""
    torch: Any = sys.modules["torch"]
    bytes_of: dict[str, int] = {}
    for parameter in model.parameters():
        dtype = _dtype(parameter)
        bytes_of[dtype] = bytes_of.get(dtype, 0) + parameter.numel() * parameter.element_size()
    device = next((parameter.device for parameter in model.parameters()), None)
    kind = "cpu" if device is None else device.type
    modules = list(model.modules())
    images = [leaf for leaf in leaves_of((args, kwargs)) if getattr(leaf, "ndim", 0) == IMAGE_AXES]
    return {
        "class": type(model).__name__,
        "device": kind,
        "capability": list(torch.cuda.get_device_capability(device)) if kind == "cuda" else [],
        "parameter_bytes": bytes_of,
        "training": bool(model.training),
        "autocast": torch.is_autocast_enabled(kind) if kind in ("cpu", "cuda") else False,
        "compiled": any(_is_compiled(module) for module in modules),
        "images": len(images),
        "channels_last": any(_is_channels_last(torch, laid_out) for laid_out in (*images, *_kernels(model))),
        "convolutions": sum(type(module).__name__ in ("Conv2d", "ConvTranspose2d") for module in modules),
        "matmul_precision": _flag(torch.get_float32_matmul_precision),
        "cudnn_tf32": _flag(lambda: torch.backends.cudnn.allow_tf32),
        "cudnn_benchmark": _flag(lambda: torch.backends.cudnn.benchmark),
    }


def _is_compiled(module: Any) -> bool:
    return type(module).__name__ == "OptimizedModule" or getattr(module, "_compiled_call_impl", None) is not None


def _kernels(model: Any) -> Iterator[Any]:
    """The weights that may be those of convolutions: one laid out channels last makes all that follows it so."""
    return (weight for weight in model.parameters() if weight.ndim == IMAGE_AXES)


def _is_channels_last(torch: Any, image: Any) -> bool:
    """Not where both layouts are the same, as with one channel."""
    last = image.is_contiguous(memory_format=torch.channels_last)
    return bool(last and not image.is_contiguous()) if hasattr(image, "is_contiguous") else False


def _flag(read: Callable[[], Any]) -> Any:
    """A switch of PyTorch's, or None where it cannot be told (its names have changed, and it objects to a mixture)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return read()
        except (AttributeError, RuntimeError):
            return None


def _dtype(value: Any) -> str:
    """ "float32" and the like; "" of what is no tensor."""
    return str(getattr(value, "dtype", "")).removeprefix("torch.")


WATCH = Watch(name="models", kinds=("model",), begin=begin)
