"""`torch.compile(model)` under `torch.inference_mode()`; and again with Inductor's freezing (off by default)."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from _handmade import built_here, inference_of, peer

import unslow


def build(folder: Path, example: str) -> None:
    """Nothing but the requests: every process compiles for itself."""


def opened(example: str, freezing: bool) -> Callable[..., Any]:
    """The compiled model, called with arrays."""
    torch: Any = importlib.import_module("torch")
    importlib.import_module("torch._inductor.config").freezing = freezing  # pyright: ignore[reportAttributeAccessIssue]
    compiled = torch.compile(inference_of(example).model.eval())

    def answer(*args: Any, **kwargs: Any) -> Any:
        with torch.inference_mode():
            named = {name: torch.from_numpy(array) for name, array in kwargs.items()}
            return compiled(*map(torch.from_numpy, args), **named)

    return answer


@unslow.workload
def encoder() -> unslow.Inference:
    return peer(__file__, "encoder", lambda folder: opened("encoder", False))


@unslow.workload
def classifier() -> unslow.Inference:
    return peer(__file__, "classifier", lambda folder: opened("classifier", False))


@unslow.workload
def encoder_frozen() -> unslow.Inference:
    return peer(__file__, "encoder", lambda folder: opened("encoder", True))


@unslow.workload
def classifier_frozen() -> unslow.Inference:
    return peer(__file__, "classifier", lambda folder: opened("classifier", True))


if __name__ == "__main__":
    built_here(build)
