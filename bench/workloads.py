"""Small workloads for the bars: a known amount of work, and a torch model that `unslow fix` is soon done with."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np

import unslow

SIDE = 96
"""A product of this size takes about 10 µs and stays on one thread."""
REQUESTS = 64


def products(repeats: int) -> Callable[[np.ndarray], np.ndarray]:
    """A model that multiplies `repeats` times: real work, so that 105 of it take 5 % longer than 100."""
    matrix = np.random.default_rng(0).standard_normal((SIDE, SIDE)).astype(np.float32) / np.sqrt(SIDE, dtype=np.float32)

    def answer(x: np.ndarray) -> np.ndarray:
        for _ in range(repeats):
            x = x @ matrix
        return x

    return answer


def _work(repeats: int) -> unslow.Inference:
    generator = np.random.default_rng(1)
    inputs = [generator.standard_normal((SIDE, SIDE)).astype(np.float32) for _ in range(REQUESTS)]
    return unslow.Inference(products(repeats), inputs)


@unslow.workload
def work_100() -> unslow.Inference:
    return _work(100)


@unslow.workload
def work_105() -> unslow.Inference:
    return _work(105)


@unslow.workload
def work_150() -> unslow.Inference:
    return _work(150)


@unslow.workload
def small_torch() -> unslow.Inference:
    """Some layers, autograd on, as a newcomer calls it."""
    torch: Any = importlib.import_module("torch")
    torch.manual_seed(0)
    layers = [
        layer for _ in range(6) for layer in (torch.nn.Linear(256, 256), torch.nn.GELU(), torch.nn.LayerNorm(256))
    ]
    return unslow.Inference(torch.nn.Sequential(*layers).eval(), [torch.randn(8, 256) for _ in range(REQUESTS)])
