"""Hand-written recordings, as small as they can be."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

Event = dict[str, Any]


def op(name: str, ts: float | str, dur: float | str, cat: str = "cpu_op", tid: int = 1, **args: Any) -> Event:
    return {"ph": "X", "cat": cat, "name": name, "pid": 1, "tid": tid, "ts": ts, "dur": dur, "args": args}


def step(number: int, ts: float, dur: float, cat: str = "user_annotation") -> Event:
    return op(f"ProfilerStep#{number}", ts, dur, cat)


def kineto(path: Path, events: Sequence[Event], **others: Any) -> Path:
    path.write_text(json.dumps({"schemaVersion": 1, **others, "traceEvents": list(events)}))
    return path


def node(name: str, ts: int, dur: int, op_name: str, tid: int = 1, **args: Any) -> Event:
    return {**op(f"{name}_kernel_time", ts, dur, "Node", tid, op_name=op_name, provider="CPU", **args)}


def run(ts: int, dur: int, tid: int = 1) -> Event:
    return op("model_run", ts, dur, "Session", tid)


def onnxruntime(path: Path, events: Sequence[Event]) -> Path:
    path.write_text(json.dumps(list(events)))
    return path


def steps(path: Path, **changes: Any) -> Path:
    """Two steps of 20 ms; the first sample was late by more than the switch interval, the second came in time."""
    ms = 1_000_000
    whole: Mapping[str, Any] = {
        "schema": "unslow.steps/1",
        "interval_ns": 5 * ms,
        "switch_interval_ns": 5 * ms,
        "distortion": 0.5,
        "steps": [
            {"request": 0, "start_ns": 0, "end_ns": 20 * ms},
            {"request": 1, "start_ns": 20 * ms, "end_ns": 40 * ms},
        ],
        "stacks": [["a.py:1 outer", "b.py:2 inner"], ["a.py:1 outer"]],
        "samples": [
            {"at_ns": 10 * ms, "late_ns": 6 * ms, "stack": 0, "worked_ns": 5 * ms},
            {"at_ns": 20 * ms, "late_ns": 0, "stack": 1, "worked_ns": 5 * ms},
        ],
    }
    path.write_text(json.dumps({**whole, **changes}))
    return path


SCRIPT: dict[str, Any] = {
    "schema": "unslow.script/1",
    "step": "optimizer",
    "distortion": 0.01,
    "steps": [{"start_ns": 100, "end_ns": 200, "cpu_ns": 90}, {"start_ns": 300, "end_ns": 400, "cpu_ns": 90}],
    "spans": [
        {"kind": "data", "site": "train.py:9", "start_ns": 110, "end_ns": 150, "parent": -1},
        {"kind": "optimizer", "site": "train.py:12", "start_ns": 150, "end_ns": 200, "parent": -1},
        {"kind": "backward", "site": "", "start_ns": 160, "end_ns": 190, "parent": 1},
        {"kind": "checkpoint", "site": "train.py:14", "start_ns": 320, "end_ns": 420, "parent": -1},
    ],
}


def script(path: Path, **changes: Any) -> Path:
    """Two steps of a script, of 100 ns each; `changes` are fields of the document."""
    path.write_text(json.dumps({**SCRIPT, **changes}))
    return path
