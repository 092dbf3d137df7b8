"""Records any callable: when each step began and ended, its CPU time, and samples of the Python stack.

A thread of ours wakes every 5 ms and looks where the main thread is. How late it wakes tells what the main thread was
doing: a thread that holds the interpreter gives it up only after the switch interval (5 ms), one that computes in
native code without it (NumPy, BLAS, a file being read) does not delay the sampler at all. On a busy machine the sampler
is also late because it queues for a processor; Linux counts that, so it can be told apart.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

from unslow.core.errors import BadUsage
from unslow.record._thread_clock import ThreadClock
from unslow.record.distortion import distortion

SCHEMA = "unslow.steps/1"
RECORDING = "steps.json"
INTERVAL_NS = 5_000_000
DEEPEST = 64

Answer = Callable[[int], Any]


@dataclass
class _Samples:
    """Stacks seen (outermost first), each kept once, and the samples: when, how late, which stack."""

    stacks: dict[tuple[str, ...], int] = field(default_factory=dict[tuple[str, ...], int])
    rows: list[dict[str, int]] = field(default_factory=list[dict[str, int]])

    def add(self, at_ns: int, late_ns: int, worked_ns: int | None, stack: tuple[str, ...]) -> None:
        place = self.stacks.setdefault(stack, len(self.stacks))
        worked = {} if worked_ns is None else {"worked_ns": worked_ns}
        self.rows.append({"at_ns": at_ns, "late_ns": late_ns, "stack": place, **worked})


def record(answer: Answer, requests: Sequence[int], folder: Path) -> Path:
    """Answers the `requests` of the stream, each one step; returns a JSON file of schema `unslow.steps/1` in `folder`.

    The requests are first answered without samples, for the distortion. Times are ns of `time.perf_counter_ns`.

    Raises
    ------
    BadUsage
        No requests.
    """
    if not requests:
        raise BadUsage("There is no request to record.", "Give at least one request of the stream.")
    folder.mkdir(parents=True, exist_ok=True)
    answer(requests[0])
    bare = _steps(answer, requests)
    with _sampled() as samples:
        steps = _steps(answer, requests)
    file = folder / RECORDING
    file.write_text(json.dumps(_recording(bare, steps, samples)), encoding="utf-8")
    return file


def _steps(answer: Answer, requests: Sequence[int]) -> list[dict[str, int]]:
    steps: list[dict[str, int]] = []
    for request in requests:
        cpu, process = time.thread_time_ns(), time.process_time_ns()
        start = time.perf_counter_ns()
        answer(request)
        end = time.perf_counter_ns()
        cpu, process = time.thread_time_ns() - cpu, time.process_time_ns() - process
        steps.append({"request": request, "start_ns": start, "end_ns": end, "cpu_ns": cpu, "process_cpu_ns": process})
    return steps


@contextmanager
def _sampled() -> Generator[_Samples]:
    """Samples of the calling thread, taken while it lasts."""
    samples, done = _Samples(), threading.Event()
    watched = threading.current_thread()
    sampler = threading.Thread(target=_sample, args=(watched, samples, done), daemon=True)
    sampler.start()
    try:
        yield samples
    finally:
        done.set()
        sampler.join()


def _sample(watched: threading.Thread, samples: _Samples, done: threading.Event) -> None:
    with ThreadClock(threading.get_native_id()) as own, ThreadClock(watched.native_id or 0) as other:
        before, queued, worked = time.perf_counter_ns(), own.queued_ns(), other.active_ns()
        while not done.is_set():
            # `sleep`, not `Event.wait`: the latter runs Python after waking, which would count as being late.
            time.sleep(INTERVAL_NS / 1e9)
            now, queued_now, worked_now = time.perf_counter_ns(), own.queued_ns(), other.active_ns()
            late = max(0, now - before - INTERVAL_NS - (queued_now - queued))
            stack = _stack(sys._current_frames().get(watched.ident or 0))  # pyright: ignore[reportPrivateUsage]
            if stack:
                samples.add(now, late, worked_now - worked if other.known else None, stack)
            queued, worked = queued_now, worked_now
            before = time.perf_counter_ns()


def _stack(frame: FrameType | None) -> tuple[str, ...]:
    """ "file:line function" of the frames that `answer` is made of, outermost first; empty between steps."""
    names: list[str] = []
    while frame is not None:
        code = frame.f_code
        if code is _steps.__code__:
            return tuple(reversed(names[:DEEPEST]))
        names.append(f"{code.co_filename}:{frame.f_lineno} {code.co_name}")
        frame = frame.f_back
    return ()


def _recording(bare: list[dict[str, int]], steps: list[dict[str, int]], samples: _Samples) -> dict[str, Any]:
    seconds = [[(step["end_ns"] - step["start_ns"]) / 1e9 for step in group] for group in (bare, steps)]
    return {
        "schema": SCHEMA,
        "interval_ns": INTERVAL_NS,
        "switch_interval_ns": round(sys.getswitchinterval() * 1e9),
        "bare_seconds": seconds[0],
        "distortion": distortion(*seconds) if min(seconds[0]) > 0 else None,
        "steps": steps,
        "stacks": list(samples.stacks),
        "samples": samples.rows,
    }
