"""`autocast`: the script computes in half precision by itself; `scaler`: it scales its losses for that."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from unslow.scripts.imports import when_imported
from unslow.scripts.layers import put_around
from unslow.scripts.notes._notes import Notes, Watch
from unslow.scripts.sites import called_from


def begin(notes: Notes) -> None:
    """From now on."""
    when_imported("torch.amp.autocast_mode", lambda module: _entered(notes, module.autocast))
    when_imported("torch.amp.grad_scaler", lambda module: _made(notes, module.GradScaler))


def _entered(notes: Notes, kind: Any) -> None:
    def noted(call: Callable[[], Any], args: tuple[Any, ...], _: dict[str, Any]) -> Any:
        mode = args[0]
        if getattr(mode, "_enabled", True):
            dtype = str(getattr(mode, "fast_dtype", "")).removeprefix("torch.")
            notes.note("autocast", called_from(), {"device": str(getattr(mode, "device", "")), "dtype": dtype})
        return call()

    put_around(kind, "__enter__", noted, notes)


def _made(notes: Notes, kind: Any) -> None:
    inner = kind.__init__

    @functools.wraps(inner)
    def noted(scaler: Any, *args: Any, **kwargs: Any) -> None:
        inner(scaler, *args, **kwargs)
        if scaler.is_enabled():
            notes.note("scaler", called_from(making=scaler), {})

    kind.__init__ = noted


WATCH = Watch(name="autocast", kinds=("autocast", "scaler"), begin=begin)
