"""The normal form of a call: a request's arguments by position and by name, an answer's leaves and their structure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unslow.core.errors import BadInput

Array = NDArray[Any]
LEAF: dict[str, Any] = {"kind": "leaf"}


@dataclass(frozen=True, eq=False)
class Request:
    """The arguments of one call of the model."""

    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def named(self, names: Sequence[str]) -> dict[str, Any]:
        """The arguments by name, in the order of `names` (the model's inputs); left out where not given."""
        if len(self.args) > len(names):
            raise BadInput(
                f"A request has {len(self.args)} positional values, the model has {len(names)} inputs.",
                f"The model's inputs are: {', '.join(names)}.",
            )
        unknown = [name for name in self.kwargs if name not in names]
        if unknown:
            raise BadInput(
                f"A request names the input {unknown[0]!r}, which the model does not have.",
                f"The model's inputs are: {', '.join(names)}.",
            )
        given = {**dict(zip(names, self.args, strict=False)), **self.kwargs}
        return {name: given[name] for name in names if name in given}


def as_request(raw: Any) -> Request:
    """A tuple is positional, a dict is by keyword, anything else is the one argument."""
    if isinstance(raw, Request):
        return raw
    if isinstance(raw, tuple):
        return Request(args=raw)  # pyright: ignore[reportUnknownArgumentType]
    if isinstance(raw, Mapping):
        return Request(kwargs={str(key): value for key, value in raw.items()})  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    return Request(args=(raw,))


def is_array(value: Any) -> bool:
    """Whether it is a NumPy array or scalar, or a tensor of a framework (anything with a shape and a dtype)."""
    return hasattr(value, "shape") and hasattr(value, "dtype")


def to_numpy(value: Any) -> Array:
    """An array, tensor or number as NumPy, without a copy where possible; bfloat16 as float32."""
    if isinstance(value, np.ndarray):
        return value  # pyright: ignore[reportUnknownVariableType]
    if hasattr(value, "detach"):
        value = value.detach().cpu()
        if str(value.dtype) == "torch.bfloat16":
            value = value.float()
        return value.numpy()
    return np.asarray(value)


def dtype_name(value: Any) -> str:
    """The dtype of an array or tensor as NumPy spells it ("float32", "bfloat16", "int64")."""
    return str(value.dtype).removeprefix("torch.")


def structure_of(answer: Any) -> dict[str, Any]:
    """The shape of nested tuples, lists and dicts around the leaves, as plain JSON; see `rebuild`."""
    if isinstance(answer, Mapping):
        items: dict[Any, Any] = dict(answer)  # pyright: ignore[reportUnknownArgumentType]
        return {
            "kind": "dict",
            "keys": [str(key) for key in items],
            "items": [structure_of(value) for value in items.values()],
        }
    if isinstance(answer, (tuple, list)):
        kind = "tuple" if isinstance(answer, tuple) else "list"
        return {"kind": kind, "items": [structure_of(value) for value in answer]}  # pyright: ignore[reportUnknownVariableType]
    return {"kind": "none"} if answer is None else LEAF


def leaves_of(answer: Any) -> Iterator[Any]:
    """The leaves in order: values of dicts by insertion, items of tuples and lists; None is no leaf."""
    if isinstance(answer, Mapping):
        for value in answer.values():  # pyright: ignore[reportUnknownVariableType]
            yield from leaves_of(value)
    elif isinstance(answer, (tuple, list)):
        for value in answer:  # pyright: ignore[reportUnknownVariableType]
            yield from leaves_of(value)
    elif answer is not None:
        yield answer


def leaf_names(structure: Mapping[str, Any], prefix: str = "") -> tuple[str, ...]:
    """A name for each leaf: its key, its index, or "output" where there is only one."""
    if structure["kind"] == "leaf":
        return (prefix or "output",)
    if structure["kind"] == "none":
        return ()
    keys = structure.get("keys") or [f"{prefix or 'output'}{index}" for index in range(len(structure["items"]))]
    pairs = zip(keys, structure["items"], strict=True)
    return tuple(name for key, item in pairs for name in leaf_names(item, str(key)))


class Answer(dict[str, Any]):
    """A dict whose values are attributes and items by position too, as frameworks' own output classes have them."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError as error:
            raise AttributeError(name) from error

    def __getitem__(self, key: Any) -> Any:
        return list(self.values())[key] if isinstance(key, (int, slice)) else super().__getitem__(key)


def rebuild(structure: Mapping[str, Any], leaves: Sequence[Any]) -> Any:
    """The answer with this structure and these leaves; dicts come back as `Answer`."""
    return _rebuild(structure, iter(leaves))


def _rebuild(structure: Mapping[str, Any], leaves: Iterator[Any]) -> Any:
    kind = structure["kind"]
    if kind == "leaf":
        return next(leaves)
    if kind == "none":
        return None
    items = [_rebuild(item, leaves) for item in structure["items"]]
    if kind == "dict":
        return Answer(zip(structure["keys"], items, strict=True))
    return tuple(items) if kind == "tuple" else items
