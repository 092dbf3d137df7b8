"""A script that answers turns: at a step's end it says what the last ones took, and waits there for what comes next."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import psutil

from unslow.core.errors import BadUsage
from unslow.core.script import StepKind
from unslow.scripts.counting import Counting
from unslow.scripts.line import Line
from unslow.scripts.run import Plan

WARM_STEPS = 2
"""Steps before the process says that it is open: the first of all loads, compiles and allocates."""


def turns(
    line: Line, kind: StepKind, counting: Counting, started: float, to_drain: Callable[[], int], warm_steps: int = 0
) -> Plan:
    """Answers `open` once the script steps, then every `turn` asked for, in the script's own main thread.

    What is asked and answered is in steps of the original, which are the script's own unless `counting` says otherwise.
    `started` is when the job began, by `time.perf_counter`. `to_drain()` is how many batches were fetched ahead: so
    many steps of a turn are not timed, for their input was made while nobody looked. `warm_steps` are taken before all
    else, where a variant needs so many to be steady (a cache is filled, workers have started).
    """
    for _ in range(max(WARM_STEPS, warm_steps)):
        yield from _next(kind)
    first = time.perf_counter()
    yield from _next(kind)
    now = time.perf_counter()
    line.answer(
        {"setup_s": now - started, "first_s": (now - first) / counting.times, "granularity": counting.granularity}
    )
    while True:
        job, arguments = line.receive()
        if job != "turn":
            line.fail(BadUsage(f"A running script cannot be asked for {job!r}.", "Jobs: turn."))
            continue
        for _ in range(max(1, to_drain())):
            yield from _next(kind)
        line.answer((yield from _timed(kind, int(arguments["count"]), counting)))


def _timed(kind: StepKind, count: int, counting: Counting) -> Any:
    ends = [time.perf_counter()]
    cpu = cpu_seconds()
    for _ in range(counting.own(count)):
        yield from _next(kind)
        ends.append(time.perf_counter())
    cpu = cpu_seconds() - cpu
    each = [(after - before) / counting.times for before, after in pairwise(ends)]
    return {"seconds": ends[-1] - ends[0], "cpu_seconds": cpu, "requests": count, "call_seconds": each}


def _next(kind: StepKind) -> Plan:
    while (yield) != kind:
        pass


def noting_steps(kind: StepKind, ends: list[float]) -> Plan:
    """Lets the script run to its end, and notes when each step of this kind ends, in seconds of `time.perf_counter`."""
    while True:
        yield from _next(kind)
        ends.append(time.perf_counter())


def cpu_seconds() -> float:
    """Of this process, of what it has started (loader workers), and of what has ended of that."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    total = time.process_time() + ended.ru_utime + ended.ru_stime
    for child in psutil.Process().children(recursive=True):
        try:
            times = child.cpu_times()
        except psutil.Error:
            continue
        total += times.user + times.system
    return total
