"""Records an ONNX model with ONNX Runtime's own profiler.

The same session then answers the same requests once more, its profiling ended: that gives the distortion. (A second
session would hold the model twice, and the spinning threads of two live sessions slow each other down.)
"""

from __future__ import annotations

import importlib
import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from unslow.core.errors import BadInput, BadUsage
from unslow.core.workload import Host
from unslow.record.distortion import distortion

SCHEMA = "unslow.onnxruntime/1"
RECORDING = "onnxruntime.json"
WARM_UP = 3
DEFAULT_HOST = Host()
LOG_ERRORS = 3
CPU = "CPUExecutionProvider"
LEVELS = {
    "disabled": "ORT_DISABLE_ALL",
    "basic": "ORT_ENABLE_BASIC",
    "extended": "ORT_ENABLE_EXTENDED",
    "all": "ORT_ENABLE_ALL",
}

Requests = Sequence[Mapping[str, Any]]


def record(
    path: Path,
    settings: Mapping[str, Any],
    requests: Requests,
    folder: Path,
    host: Host = DEFAULT_HOST,
    around_seconds: Sequence[float] = (),
) -> Path:
    """Answers the `requests` (input name to array) with the model at `path`; returns ONNX Runtime's JSON in `folder`.

    `settings` and `host` are the workload's, as the runtime `onnxruntime` reads them. The last event of the list is
    ours: the seconds of each request without and with profiling, the distortion, and `around_seconds`: what the user's
    own code around the model took for each request, which ONNX Runtime cannot see.

    Raises
    ------
    BadUsage
        No requests, or a `graph_level` that does not exist.
    BadInput
        ONNX Runtime cannot open the model or answer a request.
    """
    if not requests:
        raise BadUsage("There is no request to record.", "Give at least one request of the stream.")
    folder.mkdir(parents=True, exist_ok=True)
    runtime: Any = importlib.import_module("onnxruntime")
    options = _options(runtime, settings, host)
    options.enable_profiling = True
    options.profile_file_prefix = str(folder / "raw")
    try:
        session = runtime.InferenceSession(str(path), options, providers=_providers(settings))
        _seconds(session, [requests[place % len(requests)] for place in range(WARM_UP)])
        recorded = _seconds(session, requests)
        raw = Path(session.end_profiling())
        bare = _seconds(session, requests)
    except Exception as error:
        first = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise BadInput(
            f"ONNX Runtime cannot run {path}: {first}", "Check the file, and the shapes and dtypes of the inputs."
        ) from error
    return _with_clock(raw, folder / RECORDING, bare, recorded, around_seconds)


def _options(runtime: Any, settings: Mapping[str, Any], host: Host) -> Any:
    options = runtime.SessionOptions()
    options.log_severity_level = LOG_ERRORS
    options.intra_op_num_threads = host.threads or int(settings.get("intra_threads", 0))
    options.inter_op_num_threads = int(settings.get("inter_threads", 0))
    level = str(settings.get("graph_level", "all"))
    if level not in LEVELS:
        raise BadUsage(f"ONNX Runtime has no graph level {level!r}.", f"The levels are: {', '.join(LEVELS)}.")
    options.graph_optimization_level = getattr(runtime.GraphOptimizationLevel, LEVELS[level])
    options.enable_cpu_mem_arena = bool(settings.get("arena", True))
    if settings.get("execution") == "parallel":
        options.execution_mode = runtime.ExecutionMode.ORT_PARALLEL
    if "spinning" in settings:
        for pool in ("intra", "inter"):
            options.add_session_config_entry(f"session.{pool}_op.allow_spinning", "1" if settings["spinning"] else "0")
    if host.flush_subnormals:
        options.add_session_config_entry("session.set_denormal_as_zero", "1")
    return options


def _providers(settings: Mapping[str, Any]) -> list[str]:
    return list(dict.fromkeys([str(settings.get("provider") or CPU), CPU]))


def _seconds(session: Any, requests: Requests) -> list[float]:
    seconds: list[float] = []
    for request in requests:
        started = time.perf_counter()
        session.run(None, dict(request))
        seconds.append(time.perf_counter() - started)
    return seconds


def _with_clock(raw: Path, recording: Path, bare: list[float], recorded: list[float], around: Sequence[float]) -> Path:
    events = json.loads(raw.read_text(encoding="utf-8"))
    clock = {
        "schema": SCHEMA,
        "warm_up": WARM_UP,
        "bare_seconds": bare,
        "recorded_seconds": recorded,
        "distortion": distortion(bare, recorded),
        "around_seconds": list(around),
    }
    events.append({"cat": "unslow", "ph": "M", "name": "unslow", "args": clock})
    recording.write_text(json.dumps(events), encoding="utf-8")
    raw.unlink()
    return recording
