"""`goes-backward`: a loss's `backward()`; `updates`: an optimizer's `step()`; `clips`: gradients are clipped."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Mapping
from types import CodeType
from typing import Any

from unslow.scripts.imports import when_imported
from unslow.scripts.layers import put_around
from unslow.scripts.notes._notes import Notes, Watch
from unslow.scripts.sites import Called, called_from, direct_frame

DECORATORS = f"{os.sep}torch{os.sep}optim{os.sep}"
"""Where what PyTorch puts around an optimizer's `step` lies."""
CLIPPING = ("clip_grad_norm_", "clip_grad_value_")


def begin(notes: Notes) -> None:
    """From now on."""
    seen: dict[tuple[CodeType, int], Called | None] = {}

    def note(kind: str, details: Mapping[str, Any]) -> None:
        frame = direct_frame(through=DECORATORS)
        if frame is None:
            notes.note(kind, called_from(), details)
            return
        key = frame.f_code, frame.f_lasti
        if key not in seen:
            called = called_from()
            seen[key] = Called(called.site, True) if called is not None else None
        notes.note(kind, seen[key], details)

    def on_tensors(module: Any) -> None:
        def backward(call: Callable[[], Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
            note("goes-backward", {"arguments": len(args) - 1 + len(kwargs)})
            return call()

        put_around(module.Tensor, "backward", backward, notes)

    def updates(optimizer: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if notes.on:
            note("updates", {"arguments": len(args) - 1 + len(kwargs)})

    when_imported("torch._tensor", on_tensors)
    when_imported("torch.optim.optimizer", lambda module: module.register_optimizer_step_pre_hook(updates))
    when_imported("torch.nn.utils", lambda module: _clipping(notes, module))


def _clipping(notes: Notes, module: Any) -> None:
    for name in CLIPPING:
        put_around(module, name, functools.partial(_clipped, notes, name), notes)


def _clipped(notes: Notes, name: str, call: Callable[[], Any], *_: Any) -> Any:
    notes.note("clips", called_from(), {"call": name})
    return call()


WATCH = Watch(name="updates", kinds=("goes-backward", "updates", "clips"), begin=begin)
