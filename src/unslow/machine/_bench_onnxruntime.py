"""ONNX Runtime's micro-benchmarks, in a process of its own: int8 against float32, and its side of the graphs."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import Any

import numpy as np

from unslow.machine._graphs import graph
from unslow.machine._quantized import VARIANTS, convolutions, products
from unslow.machine._serve import THREADS, Case, serve
from unslow.machine._turns import Call, best, ratios_in_turns, seconds_in_one_turn

Build = Callable[..., tuple[bytes, tuple[int, ...]]]
GRAPHS = ("elementwise", "matmul", "conv", "dispatch")
LOG_ERRORS = 3
WIDE = {"rows": 256, "width": 1024, "hidden": 1024}
"""Large batches of wide layers gain more than a small transformer's."""


def prepare() -> Mapping[str, Case]:
    runtime: Any = importlib.import_module("onnxruntime")
    cases: dict[str, Case] = {
        "int8/float32:matmul": partial(_int8, runtime, products, partial(products, **WIDE)),
        "int8/float32:conv": partial(_int8, runtime, convolutions),
    }
    for name in GRAPHS:
        cases[f"graph:{name}"] = partial(_seconds, runtime, name)
    return cases


def _call(runtime: Any, network: bytes, shape: tuple[int, ...]) -> Call:
    options = runtime.SessionOptions()
    options.intra_op_num_threads = THREADS
    options.log_severity_level = LOG_ERRORS
    session = runtime.InferenceSession(network, options, providers=["CPUExecutionProvider"])
    return partial(session.run, None, {"x": np.random.default_rng(1).standard_normal(shape, np.float32)})


def _int8(runtime: Any, *builds: Build) -> list[float]:
    """The best of these networks, in the variants that this build of ONNX Runtime has kernels for."""
    measured: list[list[float]] = []
    for build in builds:
        plain = _call(runtime, *build(None))
        for activations, per_channel in VARIANTS:
            try:
                quantized = _call(runtime, *build(activations, per_channel))
            except Exception:
                # No kernel for this combination; the others still count. None at all: `best` says so.
                continue
            measured.append(ratios_in_turns(quantized, plain))
    return best(*measured)


@cache
def _network(runtime: Any, name: str) -> Call:
    return _call(runtime, *graph(name))


def _seconds(runtime: Any, name: str) -> list[float]:
    return seconds_in_one_turn(_network(runtime, name))


if __name__ == "__main__":
    serve(prepare)
