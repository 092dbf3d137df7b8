"""Dataclasses to plain JSON and back, by their type hints: a field is listed once, in its class."""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")

# JSON has no infinities; readers in other languages refuse the bare words that Python would write.
_SPECIAL = {"inf": math.inf, "-inf": -math.inf, "nan": math.nan}


def to_json(value: Any) -> Any:
    """`value` (dataclasses, mappings, sequences, paths, NumPy scalars, floats) as what `json.dumps` takes.

    Infinite and not-a-number floats become the strings "inf", "-inf" and "nan".
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_json(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): to_json(item) for key, item in value.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    if isinstance(value, (str, bool)) or value is None:
        return value
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, (Sequence, set, frozenset)):
        return [to_json(item) for item in value]  # pyright: ignore[reportUnknownVariableType]
    item: Any = getattr(value, "item", None)
    if callable(item) and not isinstance(value, (int, float)):
        return to_json(item())
    if isinstance(value, float) and not math.isfinite(value):
        return "nan" if math.isnan(value) else ("inf" if value > 0 else "-inf")
    return value


def from_json(kind: type[T], data: Any) -> T:
    """The instance of `kind` that `to_json` wrote as `data`. Unknown keys are ignored, missing ones take their default.

    Raises
    ------
    TypeError, ValueError, KeyError
        Where `data` does not fit the type hints.
    """
    return typing.cast(T, _read(kind, data))


def _read(hint: Any, data: Any) -> Any:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any or origin is typing.Literal or hint is object:
        return data
    if origin is typing.Annotated:
        return _read(arguments[0], data)
    if origin in (typing.Union, types.UnionType):
        return _read_union(arguments, data)
    if origin is not None and isinstance(origin, type) and issubclass(origin, Mapping):
        return {_read(arguments[0], key): _read(arguments[1], item) for key, item in data.items()}
    if origin is tuple and not (len(arguments) == 2 and arguments[1] is Ellipsis):
        return tuple(_read(inner, item) for inner, item in zip(arguments, data, strict=True))
    if origin is not None and isinstance(origin, type) and issubclass(origin, Sequence):
        return tuple(_read(arguments[0], item) for item in data)
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        hints = typing.get_type_hints(hint)
        known = {field.name for field in dataclasses.fields(hint) if field.init}
        return hint(**{key: _read(hints[key], item) for key, item in data.items() if key in known})
    if hint is float:
        return _SPECIAL[data] if isinstance(data, str) else float(data)
    if hint is Path:
        return Path(data)
    return data


def _read_union(arguments: tuple[Any, ...], data: Any) -> Any:
    if data is None:
        return None
    inner = [argument for argument in arguments if argument is not type(None)]
    return _read(inner[0], data) if len(inner) == 1 else data
