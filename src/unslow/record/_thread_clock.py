"""How long a thread has run and has queued for a processor, as Linux counts it."""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
from pathlib import Path
from types import TracebackType
from typing import Self, final

TASKS = "/proc/self/task"
_SET_TIMER_SLACK = 29
"""`PR_SET_TIMERSLACK` of Linux (prctl(2)); it holds for the calling thread."""


@final
class ThreadClock:
    """Reads `/proc/self/task/ID/schedstat` (Documentation/scheduler/sched-stats.rst in the Linux sources).

    Where the system does not have it, `known` is False and all times are 0.
    """

    def __init__(self, native_id: int) -> None:
        try:
            self._file = os.open(f"/proc/self/task/{native_id}/schedstat", os.O_RDONLY)
        except OSError:
            self._file = -1

    @property
    def known(self) -> bool:
        return self._file >= 0

    def queued_ns(self) -> int:
        """Time for which the thread could have run, but had no processor."""
        return self._read()[1]

    def active_ns(self) -> int:
        """Time for which the thread ran or could have run: all but waiting for something."""
        return sum(self._read())

    def _read(self) -> tuple[int, int]:
        if not self.known:
            return 0, 0
        fields = os.pread(self._file, 96, 0).split()
        return int(fields[0]), int(fields[1])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.known:
            os.close(self._file)
            self._file = -1


def others_run(*but: int) -> bool:
    """Whether a thread of this process, other than those of these native ids, runs or queues for a processor now."""
    for task in os.listdir(TASKS) if os.path.isdir(TASKS) else ():  # noqa: PTH112, PTH208 - asked 200 times a second
        if int(task) in but:
            continue
        with contextlib.suppress(OSError):  # It has just ended.
            stat = Path(TASKS, task, "stat").read_text(encoding="utf-8", errors="replace")
            if stat.rpartition(")")[2].split()[0] == "R":
                return True
    return False


def wake_in_time() -> None:
    """Lets the calling thread's sleeps end within a microsecond of their time, where the system can be asked for it."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_TIMER_SLACK, 1, 0, 0, 0)
