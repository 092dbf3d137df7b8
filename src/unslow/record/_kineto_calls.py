"""What the operators of each request were called with, and the memory they took: condensed from a Kineto trace."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class _Step:
    start: float
    end: float
    events: list[Mapping[str, Any]]


def calls_of(trace: Mapping[str, Any], requests: Sequence[int], step_name: str) -> dict[str, Any]:
    """`{"calls": [[name, dims, types, values], …], "requests": {request: {"ops": [place in calls, …], memory}}}`.

    The calls of a request are in the order in which they began; equal ones are kept once. `trace` has one step
    `{step_name}{k}` for each of the `requests`.
    """
    steps = _steps(trace["traceEvents"], step_name)
    table: dict[str, int] = {}
    found: dict[str, Any] = {}
    for request, step in zip(requests, steps, strict=True):
        operators = [event for event in step.events if event.get("cat") == "cpu_op"]
        operators.sort(key=lambda event: (event["ts"], -event["dur"]))
        ops = [table.setdefault(_call(event), len(table)) for event in operators]
        found[str(request)] = {"ops": ops, **_memory(step)}
    return {"calls": [json.loads(call) for call in table], "requests": found}


def _steps(events: Sequence[Mapping[str, Any]], step_name: str) -> list[_Step]:
    named = sorted((event for event in events if event["name"].startswith(step_name)), key=lambda event: event["ts"])
    steps = [_Step(event["ts"], event["ts"] + event["dur"], []) for event in named]
    starts = [step.start for step in steps]
    for event in events:
        if event.get("cat") in ("cpu_op", "cpu_instant_event") and not event["name"].startswith(step_name):
            place = bisect_right(starts, event["ts"]) - 1
            if place >= 0 and event["ts"] <= steps[place].end:
                steps[place].events.append(event)
    return steps


def _call(event: Mapping[str, Any]) -> str:
    inside = event.get("args", {})
    return json.dumps(
        [event["name"], *(inside.get(key, []) for key in ("Input Dims", "Input type", "Concrete Inputs"))]
    )


def _memory(step: _Step) -> dict[str, int]:
    """Bytes above the step's beginning at the worst, allocations, and bytes allocated in all."""
    changes = [event for event in step.events if event["name"] == "[memory]"]
    sizes = [int(event["args"]["Bytes"]) for event in sorted(changes, key=lambda event: event["ts"])]
    held = peak = 0
    for size in sizes:
        held += size
        peak = max(peak, held)
    gains = [size for size in sizes if size > 0]
    return {"peak_bytes": peak, "allocations": len(gains), "allocated_bytes": sum(gains)}
