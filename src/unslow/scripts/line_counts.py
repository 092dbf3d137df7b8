"""How often the lines of the user's own run: a call that gives up the interpreter is sampled alike whether it computes
for a second or is one of thousands that take a microsecond each."""

from __future__ import annotations

import sys
import time
from collections import Counter
from types import FrameType
from typing import Any, final

from unslow.scripts.sites import line_of, own_name

MOST_LINES, MOST_S = 300_000, 1.0
"""After how many, or how long, counting ends: what was counted by then is the least that there is."""


def can_count() -> bool:
    """Whether nobody else traces the script, and PyTorch's compiler, which reads frames itself, is not at work."""
    return sys.gettrace() is None and "torch._inductor" not in sys.modules


@final
class LineCounts:
    """Counts, from `start` to `stop`, in the functions that are running and in those that they call."""

    def __init__(self) -> None:
        self.found = Counter[str]()
        self._names: dict[str, str] = {}
        self._left = MOST_LINES
        self._ends = 0.0

    def start(self, frame: FrameType | None) -> None:
        """`frame`: the innermost of those that are running."""
        self._ends = time.perf_counter() + MOST_S
        while frame is not None:
            if self._own(frame):
                frame.f_trace = self._within
            frame = frame.f_back
        sys.settrace(self._enters)

    def stop(self, frame: FrameType | None) -> None:
        sys.settrace(None)
        while frame is not None:
            if self._own(frame):
                frame.f_trace = None
            frame = frame.f_back

    def _own(self, frame: FrameType) -> str:
        file = frame.f_code.co_filename
        known = self._names.get(file)
        if known is None:
            known = self._names[file] = own_name(file)
        return known

    def _enters(self, frame: FrameType, event: str, argument: Any) -> Any:
        return self._within if self._own(frame) else None

    def _within(self, frame: FrameType, event: str, argument: Any) -> Any:
        if event == "line":
            self.found[f"{self._own(frame)}:{line_of(frame)}"] += 1
            self._left -= 1
            if self._left <= 0 or (not self._left % 256 and time.perf_counter() > self._ends):
                sys.settrace(None)
        return self._within
