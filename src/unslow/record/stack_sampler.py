"""Samples of where one thread is: its Python stack every 5 ms, and whether it held the interpreter.

A thread of ours wakes every 5 ms and looks where the watched thread is. How late it wakes tells what that was doing: a
thread that holds the interpreter gives it up only after the switch interval, one that computes in native code without
it (NumPy, BLAS, a file being read) does not delay the sampler at all. On a busy machine the sampler is also late
because it queues for a processor; Linux counts that, so it can be told apart.

A thread that calls native code gives the interpreter up earlier, and is then found in that call, wherever it was when
the sampler woke. The switch interval is therefore 0.2 ms while samples are taken (Python's own is 5 ms): of a loop of
some milliseconds of Python between two calls, hardly a sample fell into the loop. A sleep may end late by the slack of
the system's timers, on Linux 50 µs unless a thread asks for less; ours does.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

from unslow.record._thread_clock import ThreadClock, others_run, wake_in_time

INTERVAL_NS = 5_000_000
SWITCH_NS = 200_000
LEAST_WORKED = 0.3
"""A thread that ran or queued for less of the interval rests: what it may be waiting for is then looked at."""
DEEPEST = 64

Stack = tuple[str, ...]
Look = Callable[[FrameType | None], tuple[Stack, str]]
"""The stack of a frame, "file:line function", outermost first, and a word on what it is part of; () for a moment that
is not to be counted."""


@dataclass
class Samples:
    """Stacks seen, each kept once, and the samples: when, how late, which stack, what it was part of, and whether other
    threads of the process had work while it rested."""

    stacks: dict[Stack, int] = field(default_factory=dict[Stack, int])
    rows: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])

    def add(
        self, at_ns: int, late_ns: int, worked_ns: int | None, stack: Stack, within: str, others: bool = False
    ) -> None:
        place = self.stacks.setdefault(stack, len(self.stacks))
        row: dict[str, Any] = {"at_ns": at_ns, "late_ns": late_ns, "stack": place}
        if worked_ns is not None:
            row["worked_ns"] = worked_ns
        if within:
            row["within"] = within
        if others:
            row["others"] = True
        self.rows.append(row)

    def as_json(self) -> dict[str, Any]:
        """As recordings hold them; times in ns."""
        return {
            "interval_ns": INTERVAL_NS,
            "switch_interval_ns": SWITCH_NS,
            "stacks": list(self.stacks),
            "samples": self.rows,
        }


@contextmanager
def sampled(look: Look) -> Generator[Samples]:
    """Samples of the calling thread, taken while it lasts."""
    sampler = Sampler(look)
    sampler.start()
    try:
        yield sampler.samples
    finally:
        sampler.stop()


class Sampler:
    """As `sampled`, where beginning and end are in different places."""

    def __init__(self, look: Look) -> None:
        self.samples = Samples()
        self._done = threading.Event()
        arguments = (threading.current_thread(), self.samples, self._done, look)
        self._thread = threading.Thread(target=_sample, args=arguments, daemon=True)
        self._switch_s = sys.getswitchinterval()

    def start(self) -> None:
        sys.setswitchinterval(SWITCH_NS / 1e9)
        self._thread.start()

    def stop(self) -> None:
        self._done.set()
        self._thread.join()
        sys.setswitchinterval(self._switch_s)


def _sample(watched: threading.Thread, samples: Samples, done: threading.Event, look: Look) -> None:
    wake_in_time()
    with ThreadClock(threading.get_native_id()) as own, ThreadClock(watched.native_id or 0) as other:
        before, queued, worked = time.perf_counter_ns(), own.queued_ns(), other.active_ns()
        while not done.is_set():
            # `sleep`, not `Event.wait`: the latter runs Python after waking, which would count as being late.
            time.sleep(INTERVAL_NS / 1e9)
            if done.is_set():
                return  # The watched thread waits for us.
            now, queued_now, worked_now = time.perf_counter_ns(), own.queued_ns(), other.active_ns()
            late = max(0, now - before - INTERVAL_NS - (queued_now - queued))
            stack, within = look(sys._current_frames().get(watched.ident or 0))  # pyright: ignore[reportPrivateUsage]
            if stack:
                rested = other.known and worked_now - worked < LEAST_WORKED * INTERVAL_NS
                others = rested and others_run(threading.get_native_id(), watched.native_id or 0)
                samples.add(now, late, worked_now - worked if other.known else None, stack, within, others)
            queued, worked = queued_now, worked_now
            before = time.perf_counter_ns()
