"""Records a PyTorch workload with Kineto: one window for time, and before it one for shapes and memory.

Recording shapes costs as much again as recording times [MiniLM: 3 to 5 % of a request without, 9 to 10 % with; an MLP
of three layers: 39 % without, 63 % with], so the shapes come from a window of their own, and the reader joins the two
by the order of the operators. In the time window each request is answered twice, once recorded and once with the
recording switched off, in alternating order: the ratio is the recording's distortion, whatever else the machine does
meanwhile.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from unslow.core.errors import BadUsage
from unslow.record._kineto_calls import calls_of
from unslow.record._quiet import native_messages_to
from unslow.record.distortion import distortion

SCHEMA = "unslow.kineto/1"
STEP = "ProfilerStep#"
RECORDING, DETAILS, MESSAGES = "kineto.json", "kineto-shapes.json", "profiler.log"

Answer = Callable[[int], Any]


@dataclass
class _Clock:
    """Seconds of each request, without recording and with it."""

    bare: list[float] = field(default_factory=list[float])
    recorded: list[float] = field(default_factory=list[float])


def record(answer: Answer, requests: Sequence[int], folder: Path, kinds: Sequence[Hashable] = ()) -> Path:
    """Answers the `requests` of the stream under PyTorch's profiler; returns a Kineto JSON file in `folder`.

    `kinds` says of each of the `requests` what its shapes are: of those alike, one is looked at in detail.

    Each request is one step, `ProfilerStep#k`. Under the key `unslow` the file also holds the requests, the seconds of
    each without and with recording, the distortion, and what the operators were called with.

    Raises
    ------
    BadUsage
        No requests.
    """
    if not requests:
        raise BadUsage("There is no request to record.", "Give at least one request of the stream.")
    torch: Any = importlib.import_module("torch")
    folder.mkdir(parents=True, exist_ok=True)
    with native_messages_to(folder / MESSAGES):
        answer(requests[0])
        details = _details(torch, answer, _alike(requests, kinds), folder / DETAILS)
        return _times(torch, answer, requests, details, folder / RECORDING)


def _alike(requests: Sequence[int], kinds: Sequence[Hashable]) -> dict[int, list[int]]:
    """The first request of each kind, with all the requests of that kind; without kinds each is one of its own."""
    first: dict[Hashable, int] = {}
    found: dict[int, list[int]] = {}
    for request, kind in dict(zip(requests, kinds or requests, strict=True)).items():
        found.setdefault(first.setdefault(kind, request), []).append(request)
    return found


def _details(torch: Any, answer: Answer, alike: Mapping[int, Sequence[int]], file: Path) -> dict[str, Any]:
    """Shapes, dtypes and memory of one request of each kind, for all of them, in a window whose times nobody reads."""
    window = profiler(torch, record_shapes=True, profile_memory=True)
    with window:
        for place, request in enumerate(alike):
            _recorded(torch, answer, place, request)
    window.export_chrome_trace(str(file))
    details = calls_of(json.loads(file.read_text(encoding="utf-8")), tuple(alike), STEP)
    file.unlink()
    seen = details["requests"]
    return {**details, "requests": {str(one): seen[str(first)] for first, like in alike.items() for one in like}}


def _times(torch: Any, answer: Answer, requests: Sequence[int], details: dict[str, Any], file: Path) -> Path:
    clock = _Clock()
    switchable = not torch.cuda.is_available()
    if not switchable:
        # Only the host's side could be switched off while it runs; bare steps are then timed before it starts.
        clock.bare = [_seconds(partial(_bare, torch, answer, request)) for request in requests]
    window = profiler(torch)
    with window:
        window.add_metadata_json("unslow_calls", json.dumps(details))
        # The window's first operators pay for the profiler's own set-up.
        answer(requests[0])
        for place, request in enumerate(requests):
            if switchable and place % 2 == 0:
                clock.bare.append(_unrecorded(torch, window, answer, request))
            clock.recorded.append(_seconds(partial(_recorded, torch, answer, place, request)))
            if switchable and place % 2:
                clock.bare.append(_unrecorded(torch, window, answer, request))
        window.add_metadata_json("unslow", json.dumps(_header(clock, requests)))
    window.export_chrome_trace(str(file))
    return file


def _header(clock: _Clock, requests: Sequence[int]) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "requests": list(requests),
        "bare_seconds": clock.bare,
        "recorded_seconds": clock.recorded,
        "distortion": distortion(clock.bare, clock.recorded),
    }


def _unrecorded(torch: Any, window: Any, answer: Answer, request: int) -> float:
    """Seconds of one request with the profiler's callbacks taken out; they are put back."""
    host = [torch.profiler.ProfilerActivity.CPU]
    window.toggle_collection_dynamic(False, host)
    try:
        return _seconds(partial(_bare, torch, answer, request))
    finally:
        window.toggle_collection_dynamic(True, host)


def _recorded(torch: Any, answer: Answer, place: int, request: int) -> None:
    # `record_function` costs 10 µs and more in Python, as much as a small model; its native twin one.
    with torch._C._profiler._RecordFunctionFast(f"{STEP}{place}"):
        _bare(torch, answer, request)


def _bare(torch: Any, answer: Answer, request: int) -> None:
    answer(request)
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def _seconds(call: Callable[[], None]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def profiler(torch: Any, **options: Any) -> Any:
    """PyTorch's profiler of the host, and of the device where there is one, in its cheapest form; not yet started."""
    activity = torch.profiler.ProfilerActivity
    cuda = torch.cuda.is_available()
    activities = [activity.CPU, activity.CUDA] if cuda else [activity.CPU]
    config = None
    # `trace_only` spares building a Python object for each event (0.6 s for MiniLM); older releases do not have it.
    # Correlation ids only serve to find a device's kernels.
    with contextlib.suppress(TypeError):
        config = torch._C._profiler._ExperimentalConfig(trace_only=True, disable_external_correlation=not cuda)
    return torch.profiler.profile(activities=activities, experimental_config=config, **options)
