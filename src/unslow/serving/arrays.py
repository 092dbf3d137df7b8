"""The few array operations that serving needs, for NumPy arrays and for torch tensors (recognised, never imported)."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

from unslow.core.calls import is_array

Slices = tuple[slice, ...]


def is_tensor(value: Any) -> bool:
    """Whether it is a torch tensor."""
    return hasattr(value, "detach")


def is_joinable(value: Any) -> bool:
    """Whether it is an array or tensor with at least one axis."""
    return is_array(value) and len(value.shape) > 0


def concatenate(values: Sequence[Any]) -> Any:
    """Arrays or tensors of equal trailing shape, one after the other along axis 0."""
    if is_tensor(values[0]):
        torch: Any = sys.modules["torch"]
        return torch.cat(tuple(values))
    return np.concatenate(values)


def zeros(shape: Sequence[int], like: Any) -> Any:
    """Zeros of this shape, in the dtype (and on the device) of `like`."""
    if is_tensor(like):
        return like.new_zeros(tuple(shape))
    return np.zeros(tuple(shape), like.dtype)


def placed(value: Any, shape: Sequence[int], where: Slices) -> Any:
    """Zeros of `shape` with `value` at `where`; `value` itself where it fills the shape."""
    if tuple(value.shape) == tuple(shape):
        return value
    whole = zeros(shape, value)
    whole[where] = value
    return whole


def columns_on(mask: Any) -> tuple[int, int]:
    """The range `[first, end)` of columns of a mask (rows, columns; 0 is off) outside of which all rows are off.

    At least one column: a model cannot take none.
    """
    on = np.flatnonzero(np.asarray(mask).any(axis=0))
    return (int(on[0]), int(on[-1]) + 1) if len(on) else (0, 1)
