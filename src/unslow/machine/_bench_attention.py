"""Attention in one operator, timed in a process of its own for the shapes that it is asked."""

from __future__ import annotations

import importlib
import json
from collections.abc import Mapping
from functools import partial
from typing import Any

from unslow.core.attention import FusedAttention
from unslow.core.jsonable import from_json
from unslow.machine._serve import Case, cores, serve
from unslow.machine._turns import seconds_per_call

TURN_SECONDS = 0.05


class _AsAsked(dict[str, Case]):
    """A case for any call that is written as JSON, once PyTorch is there."""

    def __init__(self, torch: Any) -> None:
        super().__init__({"torch": list[float]})
        self._torch = torch

    def __missing__(self, asked: str) -> Case:
        return partial(_seconds, self._torch, from_json(FusedAttention, json.loads(asked)))


def prepare() -> Mapping[str, Case]:
    torch: Any = importlib.import_module("torch")
    torch.set_num_threads(cores())
    torch.manual_seed(0)
    return _AsAsked(torch)


def _seconds(torch: Any, asked: FusedAttention) -> list[float]:
    """The shortest call of a turn."""
    dtype = getattr(torch, asked.dtype)
    query, key, value = (
        torch.randn(1, asked.batches, length, asked.width, dtype=dtype)
        for length in (asked.queries, asked.keys, asked.keys)
    )
    fused = torch.nn.functional.scaled_dot_product_attention
    call = partial(fused, query, key, value, is_causal=asked.masked and asked.queries == asked.keys)
    with torch.inference_mode():
        call()
        return [seconds_per_call(call, turn_seconds=TURN_SECONDS)]


if __name__ == "__main__":
    serve(prepare)
