"""PyTorch's profiler around a few steps of a running program: begun at the end of one step, ended at another's."""

from __future__ import annotations

import importlib
import json
import os
from functools import cache
from pathlib import Path
from typing import Any, final

from unslow.record._quiet import native_messages_to
from unslow.record.torch_profiler import MESSAGES, STEP, profiler

_KEPT = ("ph", "cat", "name", "pid", "tid", "ts", "dur", "args")
_KEPT_ARGS = ("Input Dims", "Input type", "Concrete Inputs")


@final
class OperatorWindow:
    """Records operators with their shapes from `begin` to `end`; each step between two `stepped` is one mark."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._torch: Any = importlib.import_module("torch")
        self._profiler = profiler(self._torch, record_shapes=True)
        self._mark: Any = None
        self.steps = 0

    def begin(self) -> None:
        """From now on. RuntimeError where the program profiles itself."""
        if self._torch._C._autograd._profiler_enabled():
            raise RuntimeError("the program profiles itself")
        with native_messages_to(self._folder / MESSAGES):
            self._profiler.start()
        _in_forked_processes_nothing_is_recorded()
        self._begin_step()

    def span(self, name: str) -> Any:
        """A context manager that marks a stretch of the recording."""
        return self._torch._C._profiler._RecordFunctionFast(name)

    def stepped(self) -> None:
        """A step is over, and the next begins."""
        self._end_step()
        self.steps += 1
        self._begin_step()

    def end(self) -> dict[str, Any]:
        """The recording of the steps that are over, as Kineto's Chrome JSON with what a reader of operators needs."""
        self._end_step()
        file = self._folder / "operators.json"
        with native_messages_to(self._folder / MESSAGES):
            self._profiler.stop()
            self._profiler.export_chrome_trace(str(file))
        trace = json.loads(file.read_text(encoding="utf-8"))
        file.unlink()
        last = f"{STEP}{self.steps}"  # Begun, and not over.
        events = [
            _kept(event) for event in trace["traceEvents"] if event.get("ph") == "X" and event.get("name") != last
        ]
        return {"traceEvents": events}

    def _begin_step(self) -> None:
        self._mark = self.span(f"{STEP}{self.steps}")
        self._mark.__enter__()

    def _end_step(self) -> None:
        self._mark.__exit__(None, None, None)


@cache
def _in_forked_processes_nothing_is_recorded() -> None:
    """A loader's worker that is forked within a window has the recorder, but none of the threads that may hold its
    locks at that moment: it would wait for them for ever."""
    autograd: Any = importlib.import_module("torch")._C._autograd

    def after_in_child() -> None:
        if autograd._profiler_enabled():
            autograd._enable_record_function(False)

    os.register_at_fork(after_in_child=after_in_child)


def _kept(event: dict[str, Any]) -> dict[str, Any]:
    kept = {key: event[key] for key in _KEPT if key in event}
    kept["args"] = {key: value for key, value in event.get("args", {}).items() if key in _KEPT_ARGS}
    return kept
