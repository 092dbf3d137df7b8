"""`anomaly`: autograd is told to look for NaN in every operation, by the user or a framework on its behalf.

PyTorch's compiler does so by itself while it traces a model, which is no such thing. Of what is switched off again
before the script's first step has ended, `over` says so."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Any, final

from unslow.scripts.imports import when_imported
from unslow.scripts.notes._notes import Notes, Watch
from unslow.scripts.sites import called_from


def begin(notes: Notes) -> None:
    """From now on."""

    on = _On(notes)

    def patch(module: Any) -> None:
        for name in ("set_detect_anomaly", "detect_anomaly"):
            kind = getattr(module, name)
            kind.__init__ = on.noting(kind.__init__, name)
            kind.__exit__ = on.ending(kind.__exit__)

    when_imported("torch.autograd.anomaly_mode", patch)


@final
class _On:
    """What is switched on, by the mode that does so."""

    def __init__(self, notes: Notes) -> None:
        self._notes = notes
        self._details: dict[int, dict[str, Any]] = {}

    def noting(self, made: Callable[..., None], name: str) -> Callable[..., None]:
        @functools.wraps(made)
        def noted(mode: Any, *args: Any, **kwargs: Any) -> None:
            on = name == "detect_anomaly" or bool(args[0] if args else kwargs.get("mode"))
            caller = sys._getframe(1)  # pyright: ignore[reportPrivateUsage]
            if not on:
                self._over(list(self._details))
            elif not str(caller.f_globals.get("__name__", "")).startswith("torch."):
                self._details[id(mode)] = details = {"call": name, "positional": bool(args), "over": False}
                self._notes.note("anomaly", called_from(making=mode), details)
            made(mode, *args, **kwargs)

        return noted

    def ending(self, ended: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(ended)
        def over(mode: Any, *args: Any) -> None:
            self._over([id(mode)])
            return ended(mode, *args)

        return over

    def _over(self, modes: list[int]) -> None:
        for mode in modes:
            details = self._details.pop(mode, None)
            if details is not None and not self._notes.stepping:
                details["over"] = True


WATCH = Watch(name="anomaly", kinds=("anomaly",), begin=begin)
