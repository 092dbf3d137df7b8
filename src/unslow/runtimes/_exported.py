"""Calls exported programs the way their export fixed it: which arguments are positional, which go by keyword."""

from __future__ import annotations

import importlib
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from unslow.core.calls import Request, dtype_name
from unslow.core.errors import BadInput
from unslow.runtimes._arrays import Port, misfit
from unslow.runtimes._failures import REFUSALS, unreadable

Check = Callable[[Sequence[Any]], None]
Bind = Callable[[Request], tuple[Sequence[Any], Mapping[str, Any]]]


@dataclass(frozen=True)
class Signature:
    """How many arguments a program takes by position, the names of those by keyword, and whether all are flat."""

    positional: int
    keywords: tuple[str, ...]
    flat: bool


def signature_of(spec: Any) -> Signature:
    """Of a `TreeSpec` of `(args, kwargs)`, as an exported program and an AOTInductor package keep it."""
    args, kwargs = spec.children()
    flat = all(child.is_leaf() for child in (*args.children(), *kwargs.children()))
    return Signature(args.num_children, tuple(kwargs.context or ()), flat)


def archive_expected(path: str, wanted: str) -> None:
    """Refuses what is no archive before torch does, which would log a traceback first."""
    if not zipfile.is_zipfile(path):
        raise unreadable(path, wanted, ValueError("it is missing, cut short, or no .pt2 archive"))


def open_program(path: str) -> Any:
    """The `torch.export.ExportedProgram` of a `.pt2` file. The file can run code: whoever opens it has trusted it."""
    export: Any = importlib.import_module("torch.export")
    archive_expected(path, "an exported PyTorch program")
    try:
        return export.load(path)
    except (*REFUSALS, OSError) as error:
        raise unreadable(path, "an exported PyTorch program", error) from error


def binder(signature: Signature, names: Sequence[str]) -> Bind:
    """`bind(request)` gives the arguments by position and by keyword as the export has them.

    `names` are the caller's parameters in their order. A program whose arguments are nested gets the request as it is.
    """
    if not signature.flat:
        return lambda request: (request.args, request.kwargs)
    keywords = signature.keywords
    positional = [name for name in names if name not in keywords][: signature.positional]
    if len(positional) < signature.positional:
        positional = [f"argument {index + 1}" for index in range(signature.positional)]
    callers = tuple(names) if set(positional) <= set(names) else (*positional, *keywords)
    count = signature.positional

    def bind(request: Request) -> tuple[Sequence[Any], Mapping[str, Any]]:
        if not keywords and not request.kwargs and len(request.args) == count:
            return request.args, {}
        named = request.named(callers)
        missing = [name for name in (*positional, *keywords) if name not in named]
        if missing:
            raise BadInput(
                f"A request does not give the input {missing[0]!r}, which the model needs.",
                f"The model's inputs are: {', '.join((*positional, *keywords))}.",
            )
        return [named[name] for name in positional], {name: named[name] for name in keywords}

    return bind


def program_names(program: Any, signature: Signature, settings: Mapping[str, Any]) -> tuple[str, ...]:
    """The caller's parameter names: as set, else the program's own."""
    if settings.get("inputs"):
        return tuple(settings["inputs"])
    own = [str(name) for name in program.graph_signature.user_inputs]
    return (*own[: signature.positional], *signature.keywords)


def ports_of(program: Any, cast_to: str = "") -> tuple[Port | None, ...]:
    """Dtype and shape of each input as exported, in the order of the call; None for an input that is no tensor.

    `cast_to` is the dtype that floating inputs are cast to before the call, if any.
    """
    taken = set(program.graph_signature.user_inputs)
    values = [node.meta.get("val") for node in program.graph.nodes if node.op == "placeholder" and node.name in taken]
    names = [node.name for node in program.graph.nodes if node.op == "placeholder" and node.name in taken]
    return tuple(_port(name, value, cast_to) for name, value in zip(names, values, strict=True))


def _port(name: str, value: Any, cast_to: str) -> Port | None:
    if not hasattr(value, "dtype"):
        return None
    # A free axis is a symbol, which is no int.
    shape = tuple(length if isinstance(length, int) else None for length in value.shape)
    return Port(name, cast_to if cast_to and value.is_floating_point() else dtype_name(value), shape)


def checker(ports: Sequence[Port | None]) -> Check:
    """`check(tensors)` raises `BadInput` for the first that has another dtype, rank, or length of a fixed axis."""
    torch: Any = importlib.import_module("torch")
    dtypes = [None if port is None else getattr(torch, port.dtype) for port in ports]
    shapes: list[tuple[int | None, ...]] = [() if port is None else port.shape or () for port in ports]
    fixed = [[(axis, size) for axis, size in enumerate(shape) if size is not None] for shape in shapes]
    rows = list(zip(ports, dtypes, map(len, shapes), fixed, strict=True))

    def check(tensors: Sequence[Any]) -> None:
        for tensor, (port, dtype, rank, axes) in zip(tensors, rows, strict=True):
            if port is None:
                continue
            shape = tensor.shape
            if tensor.dtype is not dtype or len(shape) != rank or any(shape[axis] != size for axis, size in axes):
                raise misfit(port, dtype_name(tensor), tuple(shape)) or AssertionError

    return check
