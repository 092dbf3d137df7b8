"""Rounds arrays as 8-bit kernels would, and gives them back as floats: what a layer then computes with."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[Any]
INPUT_BITS = 8


def rounded_weights(weights: Floats, bits: int, axis: int | None) -> Floats:
    """Symmetric around 0, with a scale for each index along `axis` (None: one for all); same shape and dtype."""
    axes = tuple(other for other in range(weights.ndim) if axis is None or other != axis % weights.ndim)
    largest = np.max(np.abs(weights), axis=axes, keepdims=True, initial=0.0)
    scale = np.where(largest > 0, largest / (2 ** (bits - 1) - 1), 1.0)
    return (np.round(weights / scale) * scale).astype(weights.dtype)


def rounded_inputs(values: Floats, low: float | None = None, high: float | None = None) -> Floats:
    """In 256 steps from `low` to `high` (None: the array's own), 0 among them; what lies outside is cut off."""
    if not values.size:
        return values
    least = min(0.0, float(values.min()) if low is None else low)
    most = max(0.0, float(values.max()) if high is None else high)
    levels = 2**INPUT_BITS - 1
    if most == least:
        return values
    scale = (most - least) / levels
    zero = round(-least / scale)
    return ((np.clip(np.round(values / scale) + zero, 0, levels) - zero) * scale).astype(values.dtype)
