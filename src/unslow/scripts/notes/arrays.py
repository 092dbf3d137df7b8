"""`arrays`: a tensor is made of a list of NumPy arrays (`torch.tensor([array, …])`), which goes through each number."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from unslow.scripts.imports import when_imported
from unslow.scripts.notes._notes import Notes, Watch
from unslow.scripts.same import same
from unslow.scripts.sites import Called, called_from

MAKERS = ("tensor", "as_tensor")


def begin(notes: Notes) -> None:
    """From now on."""

    def patch(torch: Any) -> None:
        for name in MAKERS:
            setattr(torch, name, _noting(notes, getattr(torch, name), name))

    when_imported("torch", patch)


def _noting(notes: Notes, inner: Callable[..., Any], name: str) -> Callable[..., Any]:
    known: dict[Called, dict[str, Any]] = {}

    @functools.wraps(inner)
    def noted(*args: Any, **kwargs: Any) -> Any:
        data = args[0] if args else kwargs.get("data")
        if type(data) not in (list, tuple) or not data or not isinstance(data[0], np.ndarray):
            return inner(*args, **kwargs)
        started = time.perf_counter()
        made = inner(*args, **kwargs)
        seconds, called = time.perf_counter() - started, called_from()
        if called is not None:
            if called not in known:
                others = {key: value for key, value in kwargs.items() if key != "data"}
                with notes.aside():
                    why = _why_not_stacked(data, functools.partial(inner, **others), made)
                known[called] = {"call": name, "bytes": made.element_size() * made.numel(), "why_not_stacked": why}
            notes.note("arrays", called, known[called], seconds)
        return made

    return noted


def _why_not_stacked(arrays: Any, again: Callable[[Any], Any], made: Any) -> str:
    """Whether the same tensor comes of one array: tried once at each place."""
    if len({_kind(array) for array in arrays}) > 1:
        return "its arrays differ in shape or type"
    try:
        stacked = again(np.asarray(arrays))
    except Exception as error:  # Types that PyTorch has no name for, by the way of an array.
        return f"of one array it raises {type(error).__name__}"
    is_same = stacked.dtype == made.dtype and same(stacked.detach().cpu(), made.detach().cpu())
    return "" if is_same else "of one array it comes out otherwise"


def _kind(array: Any) -> tuple[Any, ...]:
    return (array.shape, str(array.dtype)) if hasattr(array, "dtype") else ()


WATCH = Watch(name="arrays", kinds=("arrays",), begin=begin)
