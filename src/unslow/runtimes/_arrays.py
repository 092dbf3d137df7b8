"""For runtimes that take and give flat NumPy arrays: a request in the graph's order, answers in their structure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from unslow.core.calls import Answer, Array, Request, rebuild, to_numpy
from unslow.core.errors import BadInput


@dataclass(frozen=True)
class Port:
    """An input of a graph: its name, its NumPy dtype ("" where NumPy has none), its shape (None: any length).

    `shape` is None where not even the rank is fixed.
    """

    name: str
    dtype: str
    shape: tuple[int | None, ...] | None


def reader(ports: Sequence[Port], settings: Mapping[str, Any]) -> Callable[[Request], list[Array]]:
    """`read(request)` gives the arrays in the order of `ports`; no copy where the values are arrays already.

    `settings["inputs"]` are the names of the caller's parameters in their order; default: the graph's own names. Values
    that the graph does not take are left out.

    Raises
    ------
    BadInput
        The names do not cover the graph's inputs; when reading: a value is missing or unknown.
    """
    names = tuple(settings.get("inputs") or (port.name for port in ports))
    order = _caller_names(ports, names)
    positions = [names.index(name) for name in order]
    straight = positions == list(range(len(names)))
    count = len(names)

    def read(request: Request) -> list[Array]:
        if not request.kwargs and len(request.args) == count:
            values: Sequence[Any] = request.args if straight else [request.args[position] for position in positions]
        else:
            values = _by_name(request, names, order)
        return [value if type(value) is np.ndarray else to_numpy(value) for value in values]

    return read


def _caller_names(ports: Sequence[Port], names: tuple[str, ...]) -> list[str]:
    """For each port the caller's name for it: its own, or by position where an exporter renamed all of them."""
    own = [port.name for port in ports]
    if set(own) <= set(names):
        return own
    if len(own) == len(names):
        return list(names)
    missing = next(name for name in own if name not in names)
    raise BadInput(
        f"The model's graph has the input {missing!r}, which is not among the parameters: {', '.join(names)}.",
        "Export the model with its parameters' names as input names.",
    )


def _by_name(request: Request, names: Sequence[str], order: Sequence[str]) -> list[Any]:
    given = request.named(names)
    missing = [name for name in order if given.get(name) is None]
    if missing:
        raise BadInput(
            f"A request does not give the input {missing[0]!r}, which the model needs.",
            f"The model's inputs are: {', '.join(order)}.",
        )
    return [given[name] for name in order]


def mismatch(ports: Sequence[Port], arrays: Sequence[Array]) -> BadInput | None:
    """What is wrong with the first array that does not fit its port; None if all fit."""
    found = (misfit(port, array.dtype.name, array.shape) for port, array in zip(ports, arrays, strict=True))
    return next((wrong for wrong in found if wrong is not None), None)


def misfit(port: Port, dtype: str, shape: tuple[int, ...]) -> BadInput | None:
    """What is wrong with an array of this dtype and shape for the port; None if it fits."""
    if port.dtype and dtype != port.dtype:
        return BadInput(
            f"The input {port.name!r} has dtype {dtype}, the model takes {port.dtype}.",
            f"Convert {port.name!r} to {port.dtype} first.",
        )
    if not _fits(port.shape, shape):
        return BadInput(
            f"The input {port.name!r} has shape {shape}, the model takes {_shown(port.shape)}.",
            "Give it that shape, or export the model with this axis dynamic.",
        )
    return None


def _fits(wanted: tuple[int | None, ...] | None, shape: tuple[int, ...]) -> bool:
    if wanted is None:
        return True
    pairs = zip(wanted, shape, strict=False)
    return len(wanted) == len(shape) and all(length in (None, actual) for length, actual in pairs)


def _shown(shape: tuple[int | None, ...] | None) -> str:
    lengths = ["any" if length is None else str(length) for length in shape or ()]
    return f"({', '.join(lengths)}{',' if len(lengths) == 1 else ''})"


def builder(structure: Mapping[str, Any] | None, names: Sequence[str]) -> Callable[[Sequence[Any]], Any]:
    """`build(leaves)` gives the answer in `structure` (what `structure_of` writes); common cases without recursion.

    Without a structure: the one leaf, or an `Answer` of `names` where there are several.
    """
    if structure is None:
        structure = {"kind": "leaf"} if len(names) == 1 else _flat("dict", names)
    if structure["kind"] == "leaf":
        return _first
    flat = all(item["kind"] == "leaf" for item in structure["items"]) if "items" in structure else False
    if flat and structure["kind"] == "tuple":
        return tuple
    if flat and structure["kind"] == "dict":
        keys = tuple(structure["keys"])
        return lambda leaves: Answer(zip(keys, leaves, strict=True))
    return lambda leaves: rebuild(structure, leaves)


def _first(leaves: Sequence[Any]) -> Any:
    return leaves[0]


def _flat(kind: str, names: Sequence[str]) -> dict[str, Any]:
    return {"kind": kind, "keys": list(names), "items": [{"kind": "leaf"} for _ in names]}
