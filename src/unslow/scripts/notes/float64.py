"""`double`: a call makes float64 numbers (`torch.from_numpy`, `.double()`, `nn.Linear(…, dtype=torch.float64)`, …);
`backward`: of a float64 loss."""

from __future__ import annotations

import functools
from collections.abc import Callable
from types import FrameType
from typing import Any

from unslow.scripts.imports import when_imported
from unslow.scripts.layers import put_around
from unslow.scripts.losses import first_of
from unslow.scripts.notes._notes import Notes, Watch, after, around
from unslow.scripts.sites import Called, called_by_users, called_from

MAKERS = ("from_numpy", "tensor", "as_tensor")
METHODS = ("double", "to")
FACTORIES = (
    *("zeros", "ones", "full", "empty", "rand", "randn", "arange", "linspace", "logspace", "eye"),
    *(f"{name}_like" for name in ("zeros", "ones", "full", "empty", "rand", "randn")),
)
"""These make it where they are asked to by name (`dtype=torch.float64`), or by default."""


def begin(notes: Notes) -> None:
    """From now on."""
    when_imported("torch", lambda torch: _tensors(notes, torch))
    when_imported("torch.nn.modules.module", lambda module: _modules(notes, module.Module))
    when_imported("torch.autograd", lambda module: _backward(notes, module))


def _tensors(notes: Notes, torch: Any) -> None:
    def made(name: str, result: Any) -> None:
        if getattr(result, "dtype", None) is torch.float64:
            notes.note("double", called_from(2), {"call": name, "elements": int(result.numel())})

    def asked_for(name: str, _: tuple[Any, ...], kwargs: dict[str, Any], result: Any, __: float) -> None:
        if kwargs.get("dtype") is torch.float64:
            called, layer = called_from(2), _layer_of(called_by_users(2))
            details = {"call": name, "elements": int(result.numel()), "by_dtype": True}
            if called is not None and layer is not None:
                called = Called(called.site, direct=True)
                details |= {"call": layer.__qualname__, "module": layer.__module__}
            notes.note("double", called, details)

    for name in MAKERS:
        after(torch, name, functools.partial(made, name))
    for name in METHODS:
        after(torch.Tensor, name, functools.partial(made, name))
    for name in FACTORIES:
        around(torch, name, functools.partial(asked_for, name))
    _default_dtype(notes, torch)


def _layer_of(frame: FrameType | None) -> type | None:
    """The kind of layer whose constructor it is, one of PyTorch's; None of all else."""
    if frame is None or frame.f_code.co_name != "__init__" or not frame.f_globals["__name__"].startswith("torch.nn."):
        return None
    made = frame.f_locals.get(frame.f_code.co_varnames[0])
    kinds = (kind for kind in type(made).__mro__ if "__init__" in vars(kind))
    return next((kind for kind in kinds if getattr(kind.__init__, "__code__", None) is frame.f_code), None)


def _default_dtype(notes: Notes, torch: Any) -> None:
    set_dtype = torch.set_default_dtype

    @functools.wraps(set_dtype)
    def noted(dtype: Any) -> Any:
        if dtype is torch.float64:
            notes.note("double", called_from(), {"call": "set_default_dtype", "elements": 0})
        return set_dtype(dtype)

    torch.set_default_dtype = noted


def _modules(notes: Notes, kind: Any) -> None:
    """Noted before it is done: doing it calls the tensors' own `double`, from the same place."""
    inner = kind.double

    @functools.wraps(inner)
    def noted(module: Any) -> Any:
        elements = sum(parameter.numel() for parameter in module.parameters())
        notes.note("double", called_from(), {"call": "Module.double", "elements": elements})
        return inner(module)

    kind.double = noted


def _backward(notes: Notes, module: Any) -> None:
    def noted(call: Callable[[], Any], args: tuple[Any, ...], _: dict[str, Any]) -> Any:
        if args and str(getattr(first_of(args[0]), "dtype", "")) == "torch.float64":
            notes.note("backward", called_from(), {"dtype": "float64"})
        return call()

    put_around(module, "backward", noted, notes)


WATCH = Watch(name="float64", kinds=("double", "backward"), begin=begin)
