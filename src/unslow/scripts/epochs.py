"""Whether a data set is another one in the next epoch: it is told the epoch, or changes by itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

TOLD = "set_epoch"
MOST_WRAPPED = 8
"""Data sets within data sets that are looked into (`Subset`, and wrappers of the user's own)."""

State = Mapping[tuple[int, str], Any]
"""The attributes of a data set, and of those within it, that are plain values."""


def is_told(dataset: Any) -> bool:
    """Whether it has a method by which it is told the epoch, as its items then depend on that."""
    return any(callable(getattr(one, TOLD, None)) for one in _within(dataset))


def state_of(dataset: Any) -> State:
    """What it remembers now: by how deep the data set lies, and the attribute's name."""
    return {
        (depth, name): value
        for depth, one in enumerate(_within(dataset))
        for name, value in _attributes(one).items()
        if _is_plain(value)
    }


def changed(before: State, after: State) -> str:
    """The name of the first attribute that has another value (or is gone, or new); "" where there is none."""
    for key in [*before, *(key for key in after if key not in before)]:
        if key not in before or key not in after or not _same(before[key], after[key]):
            return key[1]
    return ""


def _within(dataset: Any) -> Iterator[Any]:
    for _ in range(MOST_WRAPPED):
        if dataset is None:
            return
        yield dataset
        dataset = _attributes(dataset).get("dataset")


def _attributes(of: Any) -> Mapping[str, Any]:
    """Its own alone: a property may do anything."""
    found = getattr(of, "__dict__", None)
    return found if isinstance(found, dict) else {}  # pyright: ignore[reportUnknownVariableType]


def _is_plain(value: Any) -> bool:
    return value is None or type(value) in (bool, int, float, complex, str, bytes)


def _same(a: Any, b: Any) -> bool:
    return a == b or (a != a and b != b)
