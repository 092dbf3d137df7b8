"""Which line of the user's own source takes longest in a call: each line timed with what it calls in libraries.

Python tells of every line that it comes to, which slows lines that are quick: what that takes is known from the same
call without it, and taken off.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable
from types import FrameType
from typing import Any, final

from unslow.scripts.sites import own_name

TIMES, LONG_S = 3, 0.3
"""How often a call is timed, with its lines and without; once, where it takes longer than this."""
MOST_S = 2.0
"""After how long lines are no longer told apart."""


def slowest_line(call: Callable[[], Any]) -> tuple[str, float]:
    """ "file.py:12" and its part of the time of all the user's lines; ("", 0) where none of them ran."""
    untold = [_untold(call)]
    times = TIMES if untold[0] < LONG_S else 1
    untold += [_untold(call) for _ in range(times - 1)]
    told = [_told(call) for _ in range(times)]
    first = told[0]
    # Another process only ever makes a line slower: of each line, the quickest time.
    quickest = {line: min(clock.seconds.get(line, taken) for clock in told) for line, taken in first.seconds.items()}
    each = max(0.0, sum(quickest.values()) - min(untold)) / max(1, sum(first.counts.values()))
    seconds = {line: max(0.0, taken - first.counts[line] * each) for line, taken in quickest.items()}
    slowest = max(seconds, key=lambda line: seconds[line], default="")
    return (slowest, seconds[slowest] / sum(seconds.values())) if slowest and seconds[slowest] > 0 else ("", 0.0)


def _untold(call: Callable[[], Any]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def _told(call: Callable[[], Any]) -> _Clock:
    clock, before = _Clock(), sys.gettrace()
    sys.settrace(clock.enters)
    try:
        call()
    finally:
        sys.settrace(before)
    return clock


@final
class _Clock:
    """Seconds by line, and how often something was told of it.

    Time counts for the line of the innermost function of the user's own.
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.counts = Counter[str]()
        self._lines: list[str] = []
        self._last = self._began = time.perf_counter()

    def enters(self, frame: FrameType, event: str, argument: Any) -> Callable[..., Any] | None:
        """Of each function that is called; those of libraries are not followed."""
        name = own_name(frame.f_code.co_filename)
        if not name or time.perf_counter() - self._began > MOST_S:
            return None
        self._count()
        self._lines.append(f"{name}:{frame.f_lineno}")
        return self._within

    def _within(self, frame: FrameType, event: str, argument: Any) -> Callable[..., Any]:
        self._count()
        if event == "line":
            self._lines[-1] = f"{own_name(frame.f_code.co_filename)}:{frame.f_lineno}"
        elif event == "return":
            self._lines.pop()
        return self._within

    def _count(self) -> None:
        now = time.perf_counter()
        if self._lines:
            line = self._lines[-1]
            self.seconds[line] = self.seconds.get(line, 0.0) + now - self._last
            self.counts[line] += 1
        self._last = now
