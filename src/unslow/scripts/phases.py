"""Where the time of a script's main thread goes between two steps: spans in a tree, told by what the script calls.

Waiting for a batch, the forward call of a model, backward, the optimizer, checkpoints, prints and logs. What lies
between them is the script's own Python. Each hook takes about a microsecond.
"""

from __future__ import annotations

import builtins
import functools
import os
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, final

from unslow.core.script import FORCING
from unslow.scripts.arguments import Arguments
from unslow.scripts.devices import knows_devices
from unslow.scripts.events import outermost
from unslow.scripts.imports import when_imported
from unslow.scripts.layers import Layers, Switch, outermost_only, put_around
from unslow.scripts.sites import Called, called_from, line_from
from unslow.scripts.transfers import watch_transfers


@dataclass(slots=True)
class Phase:
    """One span: its kind, its place in the user's source, ns of `perf_counter_ns`, and its parent.

    `part`: it is of what is built for a call of that kind, before it.
    """

    kind: str
    site: str
    start_ns: int
    end_ns: int = 0
    parent: int = -1
    part: bool = False


NOWHERE = sys.maxsize
"""The place of an argument that is always given by its name."""
SAVING: Mapping[str, Mapping[str, tuple[int, str]]] = {
    "torch.serialization": {"save": (1, "f")},
    "safetensors": {"serialize_file": (1, "filename")},
    "numpy": {"save": (0, "file"), "savez": (0, "file"), "savez_compressed": (0, "file"), "savetxt": (0, "fname")},
    "pickle": {"dump": (1, "file")},
    "json": {"dump": (1, "fp")},
    "joblib.numpy_pickle": {"dump": (1, "filename")},
    "pandas.core.generic": {"NDFrame.to_csv": (1, "path_or_buf"), "NDFrame.to_pickle": (1, "path")},
    "pandas.core.frame": {"DataFrame.to_parquet": (1, "path")},
}
"""Functions that save, by library; of each where the argument stands that says where to, and its name."""
_SUMMARIES = ("scalar", "scalars", "histogram", "image", "images", "figure", "text", "embedding", "graph", "pr_curve")
LOGGING: Mapping[str, tuple[str, ...]] = {
    "logging": ("Logger.handle",),
    "torch.utils.tensorboard.writer": tuple(f"SummaryWriter.add_{name}" for name in _SUMMARIES),
    "tensorboardX.writer": tuple(f"SummaryWriter.add_{name}" for name in _SUMMARIES),
    "wandb.sdk.wandb_run": ("Run.log",),
    "mlflow.tracking.fluent": ("log_metric", "log_metrics"),
}
"""Functions that log, by library."""


@final
class Phases:
    """Collects spans of the main thread while `on`; each also begins what `annotate` makes of its kind."""

    def __init__(self) -> None:
        self.on = False
        self.annotate: Callable[[str], Any] | None = None
        self.spans: list[Phase] = []
        self.calls: dict[tuple[str, str], Called] = {}
        self.names: dict[tuple[str, str], str] = {}
        self.into_open_files: set[tuple[str, str]] = set()
        self._arguments = Arguments()
        self._open: list[int] = []
        self._notes: dict[int, Any] = {}
        self._main = threading.get_ident()

    def watch(self) -> None:
        """From now on, in this process; libraries as they are imported."""
        os.register_at_fork(after_in_child=self._in_another)
        self._wrap(builtins, "print", "print", into=(NOWHERE, "file"))
        for call in FORCING:  # Whoever forces a file to the disk by hand keeps a log in it.
            name = call.removeprefix("os.")
            if hasattr(os, name):  # Not every system has both.
                self._wrap(os, name, "log")
        for library, names in SAVING.items():
            when_imported(library, functools.partial(self._saving, names))
        for library, names in LOGGING.items():
            when_imported(library, functools.partial(self._logging, names))
        when_imported("torch.autograd", lambda module: self._wrap(module, "backward", "backward"))
        when_imported("torch.utils.data.dataloader", self._loaders)
        when_imported("torch.optim.optimizer", self._optimizers)
        when_imported("torch._tensor", self._waits)
        when_imported("torch._tensor", functools.partial(watch_transfers, self, functools.partial(line_from, 2)))
        when_imported("torch.nn.modules.module", self._models)
        when_imported("torch.nn.modules.module", lambda module: self._wrap(module.Module, "zero_grad", "zero-grad"))
        when_imported("torch.nn.modules.module", lambda module: self._states(module.Module))

    def _in_another(self) -> None:
        """A process that was forked (a loader's worker) has spans of its own, if any."""
        self.on, self._main = False, 0

    def begin(self, kind: str, site: str = "") -> int:
        """Opens a span; -1 where nobody looks."""
        if not self.on or threading.get_ident() != self._main:
            return -1
        parent = self._open[-1] if self._open else -1
        whole = self._arguments.whole_of((kind, site))
        kind, site = whole or (kind, site)
        self.spans.append(Phase(kind, site, time.perf_counter_ns(), 0, parent, whole is not None))
        self._open.append(len(self.spans) - 1)
        if self.annotate is not None:
            self._notes[self._open[-1]] = note = self.annotate(kind)
            note.__enter__()
        return self._open[-1]

    def end(self, place: int) -> None:
        if place >= 0 and place in self._open:
            now = time.perf_counter_ns()
            while self._open:  # What was left open within it ends with it.
                last = self._open.pop()
                self.spans[last].end_ns = now
                if self._notes:
                    self._unnote(last)
                if last == place:
                    return

    def close(self, at_ns: int) -> None:
        """A step ends at `at_ns`: so does what is still open (a step may end within a model's forward call)."""
        while self._open:
            last = self._open.pop()
            self.spans[last].end_ns = at_ns
            self._unnote(last)

    def _unnote(self, place: int) -> None:
        note = self._notes.pop(place, None)
        if note is not None:
            note.__exit__(None, None, None)

    @property
    def is_open(self) -> bool:
        """Whether a span is open."""
        return bool(self._open)

    def innermost(self) -> str:
        """The kind of the span that is open now, "" between them; asked from another thread."""
        try:
            return self.spans[self._open[-1]].kind
        except IndexError:  # It has just ended.
            return ""

    def forget(self) -> None:
        """Drop the spans of the steps that are over; who keeps the list keeps them."""
        self.spans = []

    def _wrap(
        self,
        owner: Any,
        name: str,
        kind: str,
        chosen: Callable[[Any], bool] | None = None,
        into: tuple[int, str] | None = None,
        wrapper_of: Callable[[Layers], Callable[..., Any]] | None = None,
        switch: Switch | None = None,
    ) -> None:
        """Calls of that name become spans; only those whose first argument is `chosen`, where that is asked for. `into`
        is the place and the name of the argument that says where they write to. `switch`: else it is `self`."""

        def watched(call: Callable[[], Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
            if chosen is not None and not chosen(args[0]):
                return call()
            site = line_from()
            if site and (kind, site) not in self.calls and (called := called_from()) is not None:
                self.calls[kind, site] = called
                self.names[kind, site] = f"{owner.__name__}.{name}"
                if into is not None and _is_open(args[into[0]] if len(args) > into[0] else kwargs.get(into[1])):
                    self.into_open_files.add((kind, site))
                self._learn((kind, site))
            place = self.begin(kind, site)
            try:
                return call()
            finally:
                self.end(place)

        put_around(owner, name, watched, switch or self, wrapper_of)

    def _learn(self, seen: tuple[str, str]) -> None:
        """The spans of what turns out to be built for a call that writes become parts of its phase."""
        for part in self._arguments.learn(seen, self.calls):
            kind, site = self._arguments.whole_of(part) or part
            for span in self.spans:
                if (span.kind, span.site) == part:
                    span.kind, span.site, span.part = kind, site, True

    def _states(self, owner: Any) -> None:
        """A state is made of others' states: only the outermost is asked for by the user."""
        self._wrap(owner, "state_dict", "state", lambda _: not self._is_in_a_state(), wrapper_of=outermost_only)

    def _is_in_a_state(self) -> bool:
        span = self.spans[self._open[-1]] if self._open else None
        return span is not None and (span.kind == "state" or span.part)

    def _saving(self, names: Mapping[str, tuple[int, str]], module: Any) -> None:
        for name, into in names.items():
            *owners, last = name.split(".")
            self._wrap(functools.reduce(getattr, owners, module), last, "checkpoint", into=into)

    def _logging(self, names: Iterable[str], module: Any) -> None:
        for name in names:
            *owners, last = name.split(".")
            owner = functools.reduce(lambda value, part: getattr(value, part, None), owners, module)
            if hasattr(owner, last):  # Not every release has them all.
                self._wrap(owner, last, "log")

    def _loaders(self, module: Any) -> None:
        self._wrap(module._BaseDataLoaderIter, "__next__", "data")
        self._wrap(module.DataLoader, "__iter__", "restart")

    def _optimizers(self, module: Any) -> None:
        """A closure that an optimizer calls (as Lightning has it do) is none of its time."""
        opened: list[int] = []

        def goes_on(site: str) -> None:
            opened.append(self.begin("optimizer", site))

        def ends(*_: Any) -> None:
            if opened:
                self.end(opened.pop())

        def begins(_: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
            if not self.on:
                return None
            site = line_from()
            goes_on(site)
            if not any(map(callable, (*args[1:], *kwargs.values()))):
                return None
            outside = functools.partial(_outside, leave=ends, come_back=functools.partial(goes_on, site))
            return (*args[:1], *map(outside, args[1:])), {name: outside(value) for name, value in kwargs.items()}

        module.register_optimizer_step_pre_hook(begins)
        module.register_optimizer_step_post_hook(ends)
        self._wrap(module.Optimizer, "zero_grad", "zero-grad")
        self._states(module.Optimizer)

    def _waits(self, module: Any) -> None:
        for name in ("item", "tolist"):
            self._wrap(module.Tensor, name, "sync", self._may_wait, switch=_Waits(self))

    def _may_wait(self, tensor: Any) -> bool:
        """What lies in the processor's own memory is there; within another phase libraries ask for it thousands of
        times a step (an optimizer for its counters, a print for each number)."""
        return not self._open or not tensor.is_cpu

    def _models(self, module: Any) -> None:
        opened: list[int] = []

        def begins(model: Any) -> None:
            opened.append(self.begin("forward", line_from()))

        def ends(model: Any) -> None:
            if opened:
                self.end(opened.pop())

        outermost(module, begins, ends, self)


@final
class _Waits:
    """A switch for calls that may wait for a device. A build of PyTorch that knows none has nothing to wait for within
    another phase, where libraries make such calls by the thousand: not even a look at each may cost anything there."""

    def __init__(self, phases: Phases) -> None:
        self._phases = phases
        self._knows_devices: bool | None = None

    @property
    def on(self) -> bool:
        if not self._phases.on:
            return False
        if not self._phases.is_open:
            return True
        if self._knows_devices is None:
            self._knows_devices = knows_devices(sys.modules["torch"])
        return self._knows_devices


def _is_open(place: Any) -> bool:
    """Whether it is a file that the script has opened by itself; its screen is none."""
    is_a_screen = place is sys.stdout or place is sys.stderr
    return place is not None and not is_a_screen and not isinstance(place, (str, os.PathLike))


def _outside(value: Any, leave: Callable[[], None], come_back: Callable[[], None]) -> Any:
    """A function that is called outside of what calls it, as far as spans go; all else as it is."""
    if not callable(value):
        return value

    def called(*args: Any, **kwargs: Any) -> Any:
        leave()
        try:
            return value(*args, **kwargs)
        finally:
            come_back()

    return called
