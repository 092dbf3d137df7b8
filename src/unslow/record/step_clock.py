"""Records any callable: when each step began and ended, its CPU time, and samples of the Python stack."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

from unslow.core.errors import BadUsage
from unslow.record.distortion import distortion
from unslow.record.stack_sampler import DEEPEST, Samples, Stack, sampled
from unslow.scripts.sites import line_of

SCHEMA = "unslow.steps/1"
RECORDING = "steps.json"

Answer = Callable[[int], Any]


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
    with sampled(_stack) as samples:
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


def _stack(frame: FrameType | None) -> tuple[Stack, str]:
    """The frames that `answer` is made of, outermost first; none between steps."""
    names: list[str] = []
    while frame is not None:
        code = frame.f_code
        if code is _steps.__code__:
            return tuple(reversed(names[:DEEPEST])), ""
        names.append(f"{code.co_filename}:{line_of(frame)} {code.co_name}")
        frame = frame.f_back
    return (), ""


def _recording(bare: list[dict[str, int]], steps: list[dict[str, int]], samples: Samples) -> dict[str, Any]:
    seconds = [[(step["end_ns"] - step["start_ns"]) / 1e9 for step in group] for group in (bare, steps)]
    return {
        "schema": SCHEMA,
        "bare_seconds": seconds[0],
        "distortion": distortion(*seconds) if min(seconds[0]) > 0 else None,
        "steps": steps,
        **samples.as_json(),
    }
