"""The cores that other programs keep busy meanwhile: what they take, the workload cannot have."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import psutil

Seconds = Callable[[], float]


class Neighbours:
    """Counts from when it is made; `busy` and `own` give seconds of processor time so far, `queued` those for which it
    was waited."""

    def __init__(
        self,
        busy: Seconds | None = None,
        own: Seconds | None = None,
        clock: Seconds = time.monotonic,
        queued: Seconds | None = None,
    ) -> None:
        self._busy, self._own, self._clock = busy or _busy_seconds, own or _own_seconds, clock
        self._queued = queued or _queued_seconds
        self._queued_before = self._queued()
        self._began = (self._busy(), self._own(), self._clock())

    def cores(self) -> float:
        """How many cores they kept busy on average since then."""
        busy, own, began = self._began
        passed = self._clock() - began
        taken = self._busy() - busy - (self._own() - own)
        return max(0.0, taken / passed) if passed > 0 else 0.0

    def wanted_cores(self) -> float:
        """How many this process and all that it has started kept busy, or waited for while others had them."""
        passed = self._clock() - self._began[2]
        wanted = self._own() + self._queued() - self._began[1] - self._queued_before
        return max(0.0, wanted / passed) if passed > 0 else 0.0


def _busy_seconds() -> float:
    """Of the cores that this process may run on; what a hypervisor has taken from them counts too."""
    mine = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else None
    times = psutil.cpu_times(percpu=True)
    chosen = [one for core, one in enumerate(times) if mine is None or core in mine]
    return sum(sum(one) - one.idle - getattr(one, "iowait", 0.0) - getattr(one, "guest", 0.0) for one in chosen)


def _own_seconds() -> float:
    """Of this process and all that it has started, ended or not."""
    total = 0.0
    this = psutil.Process()
    for process in (this, *this.children(recursive=True)):
        try:
            times = process.cpu_times()
        except psutil.Error:
            continue
        total += times.user + times.system + (times.children_user + times.children_system)
    return total


def _queued_seconds() -> float:
    """For which the threads of this process and of all that it has started were ready to run, and had no core; of those
    that still live, by the second number of Linux's `schedstat` (0 where there is no such file)."""
    this = psutil.Process()
    total_ns = 0
    for process in (this, *this.children(recursive=True)):
        for file in Path(f"/proc/{process.pid}/task").glob("*/schedstat"):
            try:
                total_ns += int(file.read_text().split()[1])
            except (OSError, IndexError, ValueError):
                continue
    return total_ns / 1e9
