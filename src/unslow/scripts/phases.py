"""Where the time of a script's main thread goes between two steps: spans in a tree, told by what the script calls.

Waiting for a batch, the forward call of a model, backward, the optimizer, checkpoints, prints and logs. What lies
between them is the script's own Python. Each hook takes about a microsecond.
"""

from __future__ import annotations

import builtins
import functools
import os
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, final

from unslow.scripts.events import outermost
from unslow.scripts.imports import when_imported
from unslow.scripts.sites import Called, called_from, line_from
from unslow.scripts.transfers import watch_transfers


@dataclass
class Phase:
    """One span: its kind, its place in the user's source, ns of `perf_counter_ns`, and its parent."""

    kind: str
    site: str
    start_ns: int
    end_ns: int = 0
    parent: int = -1


@final
class Phases:
    """Collects spans of the main thread while `on`."""

    def __init__(self) -> None:
        self.on = False
        self.spans: list[Phase] = []
        self.calls: dict[tuple[str, str], Called] = {}
        self._open: list[int] = []
        self._main = threading.get_ident()
        self._process = os.getpid()

    def watch(self) -> None:
        """From now on; libraries as they are imported."""
        self._wrap(builtins, "print", "print")
        when_imported("logging", lambda module: self._wrap(module.Logger, "handle", "log"))
        when_imported("torch.serialization", lambda module: self._wrap(module, "save", "checkpoint"))
        when_imported("numpy", self._saving_of_numpy)
        when_imported("torch.autograd", lambda module: self._wrap(module, "backward", "backward"))
        when_imported("torch.utils.data.dataloader", self._loaders)
        when_imported("torch.optim.optimizer", self._optimizers)
        when_imported("torch._tensor", self._waits)
        when_imported("torch._tensor", functools.partial(watch_transfers, self, functools.partial(line_from, 2)))
        when_imported("torch.nn.modules.module", self._models)

    @contextmanager
    def span(self, kind: str, site: str = "") -> Generator[None]:
        """A stretch of time of that kind."""
        place = self.begin(kind, site)
        try:
            yield
        finally:
            self.end(place)

    def begin(self, kind: str, site: str = "") -> int:
        """Opens a span; -1 where nobody looks."""
        if not self.on or threading.get_ident() != self._main or os.getpid() != self._process:
            return -1
        parent = self._open[-1] if self._open else -1
        self.spans.append(Phase(kind, site, time.perf_counter_ns(), 0, parent))
        self._open.append(len(self.spans) - 1)
        return self._open[-1]

    def end(self, place: int) -> None:
        if place >= 0 and place in self._open:
            now = time.perf_counter_ns()
            while self._open:  # What was left open within it ends with it.
                last = self._open.pop()
                self.spans[last].end_ns = now
                if last == place:
                    return

    def close(self, at_ns: int) -> None:
        """A step ends at `at_ns`: so does what is still open (a step may end within a model's forward call)."""
        for place in self._open:
            self.spans[place].end_ns = at_ns
        self._open.clear()

    def _wrap(self, owner: Any, name: str, kind: str) -> None:
        inner: Callable[..., Any] = getattr(owner, name)

        @functools.wraps(inner)
        def watched(*args: Any, **kwargs: Any) -> Any:
            if not self.on:
                return inner(*args, **kwargs)
            site = line_from()
            if site and (kind, site) not in self.calls and (called := called_from()) is not None:
                self.calls[kind, site] = called
            place = self.begin(kind, site)
            try:
                return inner(*args, **kwargs)
            finally:
                self.end(place)

        setattr(owner, name, watched)

    def _saving_of_numpy(self, module: Any) -> None:
        for name in ("save", "savez", "savez_compressed", "savetxt"):
            self._wrap(module, name, "checkpoint")

    def _loaders(self, module: Any) -> None:
        self._wrap(module._BaseDataLoaderIter, "__next__", "data")
        self._wrap(module.DataLoader, "__iter__", "restart")

    def _optimizers(self, module: Any) -> None:
        opened: list[int] = []

        def begins(*_: Any) -> None:
            opened.append(self.begin("optimizer", line_from() if self.on else ""))

        def ends(*_: Any) -> None:
            if opened:
                self.end(opened.pop())

        module.register_optimizer_step_pre_hook(begins)
        module.register_optimizer_step_post_hook(ends)
        self._wrap(module.Optimizer, "zero_grad", "zero-grad")

    def _waits(self, module: Any) -> None:
        for name in ("item", "tolist"):
            self._wrap(module.Tensor, name, "sync")

    def _models(self, module: Any) -> None:
        opened: list[int] = []

        def begins(model: Any) -> None:
            opened.append(self.begin("forward", line_from() if self.on else ""))

        def ends(model: Any) -> None:
            if opened:
                self.end(opened.pop())

        outermost(module, begins, ends)
