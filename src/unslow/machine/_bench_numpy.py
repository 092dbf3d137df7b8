"""NumPy's micro-benchmarks, in a process of its own; they stand in where PyTorch is not installed."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

from unslow.machine._graphs import SIZES
from unslow.machine._serve import THREADS, Case, serve
from unslow.machine._turns import Call, best, ratios_in_turns

BATCH = 16


def prepare() -> Mapping[str, Case]:
    threadpoolctl: Any = importlib.import_module("threadpoolctl")
    threadpoolctl.threadpool_limits(THREADS)
    return {
        "float32/float64:matmul": _product_types,
        "float32/float64:elementwise": _chain_types,
        "batched/single:matmul": partial(_batched, SIZES.rows, 128),
        "batched/single:vector": partial(_batched, 1, SIZES.hidden),
        "normal/subnormal:elementwise": _subnormal,
    }


def _product(rows: int, dtype: Any, columns: int = SIZES.hidden) -> Call:
    random = np.random.default_rng(0)
    left = random.standard_normal((rows, SIZES.width)).astype(dtype)
    right = random.standard_normal((SIZES.width, columns)).astype(dtype)
    return partial(np.matmul, left, right)


def _product_types() -> list[float]:
    return best(*(ratios_in_turns(_product(rows, np.float32), _product(rows, np.float64)) for rows in (SIZES.rows, 1)))


def _chain(count: int, dtype: Any, size: float = 1.0) -> Call:
    values = np.full(count, size, dtype)
    factor = dtype(0.75)
    return lambda: values * factor + values


def _chain_types() -> list[float]:
    counts = (16_384, 262_144)
    return best(*(ratios_in_turns(_chain(count, np.float32), _chain(count, np.float64)) for count in counts))


def _batched(rows: int, columns: int) -> list[float]:
    many, one = _product(BATCH * rows, np.float32, columns), _product(rows, np.float32, columns)
    return ratios_in_turns(many, one, rows=BATCH)


def _subnormal() -> list[float]:
    return ratios_in_turns(_chain(16_384, np.float32), _chain(16_384, np.float32, 1e-40))


if __name__ == "__main__":
    serve(prepare)
