"""`anomaly`: autograd is told to look for NaN in every operation, by the user or a framework on its behalf.

PyTorch's compiler does so by itself while it traces a model, which is no such thing."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Any

from unslow.scripts.imports import when_imported
from unslow.scripts.notes._notes import Notes, Watch
from unslow.scripts.sites import called_from


def begin(notes: Notes) -> None:
    """From now on."""

    def patch(module: Any) -> None:
        for name in ("set_detect_anomaly", "detect_anomaly"):
            kind = getattr(module, name)
            kind.__init__ = _noting(notes, kind.__init__, name)

    when_imported("torch.autograd.anomaly_mode", patch)


def _noting(notes: Notes, made: Callable[..., None], name: str) -> Callable[..., None]:
    @functools.wraps(made)
    def noted(mode: Any, *args: Any, **kwargs: Any) -> None:
        on = name == "detect_anomaly" or bool(args[0] if args else kwargs.get("mode"))
        caller = sys._getframe(1)  # pyright: ignore[reportPrivateUsage]
        if on and not str(caller.f_globals.get("__name__", "")).startswith("torch."):
            notes.note("anomaly", called_from(making=mode), {"call": name, "positional": bool(args)})
        made(mode, *args, **kwargs)

    return noted


WATCH = Watch(name="anomaly", kinds=("anomaly",), begin=begin)
