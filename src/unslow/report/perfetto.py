"""A profile as a Chrome trace: a timeline that Perfetto (ui.perfetto.dev) and speedscope open."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from unslow.core.device import Device
from unslow.core.jsonable import to_json
from unslow.core.profile import STACK, Profile, Span

SCHEMA = "unslow.perfetto/1"
NS_PER_US = 1000
PROCESS, THREAD = 1, 1


def perfetto(profile: Profile) -> dict[str, Any]:
    """The trace as plain JSON: one complete event a span, its category as `cat`, its details as `args`.

    A device is a process of its own, a stream a thread in it, an activity an event whose `cat` is its kind. Times are
    µs from the first moment that is in it, exact to the nanosecond; under `otherData` are the schema, that moment, and
    what else the profile knows.
    """
    origin_ns = _first_moment(profile)
    events = [_event(span, origin_ns) for span in profile.spans]
    for pid, device in enumerate(profile.devices, PROCESS + 1):
        events += _of_a_device(device, pid, origin_ns)
    return {
        "otherData": {
            "schema": SCHEMA,
            "source": profile.source,
            "origin_ns": origin_ns,
            "requests": profile.requests,
            "distortion": to_json(profile.distortion),
            "shares": to_json(profile.shares),
            "notes": list(profile.notes),
        },
        "displayTimeUnit": "ms",
        "traceEvents": [*_names(profile), *events],
    }


def _first_moment(profile: Profile) -> int:
    starts = [span.start_ns for span in profile.spans]
    starts += [activity.start_ns for device in profile.devices for activity in device.activities]
    return min(starts, default=0)


def write(profile: Profile, path: Path) -> Path:
    """Write the trace to `path`; returns it."""
    path.write_text(json.dumps(perfetto(profile)), encoding="utf-8")
    return path


def _names(profile: Profile) -> list[dict[str, Any]]:
    """What the viewers call the process and the thread."""
    called = f"unslow ({profile.source})"
    return [_named(PROCESS, 0, called), _named(PROCESS, THREAD, "what the steps wait for")]


def _named(pid: int, tid: int, name: str) -> dict[str, Any]:
    """The name of a thread; of the process where `tid` is 0."""
    kind = "thread_name" if tid else "process_name"
    return {"ph": "M", "pid": pid, "tid": tid or THREAD, "ts": 0, "name": kind, "args": {"name": name}}


def _of_a_device(device: Device, pid: int, origin_ns: int) -> list[dict[str, Any]]:
    """Its names, then its activities by start. What overlaps within one stream goes on in another thread of the same
    name, since viewers drop what is neither beside nor inside what began before it."""
    model = f" ({device.model})" if device.model else ""
    names, events = [_named(pid, 0, f"{device.name}{model}")], list[dict[str, Any]]()
    free: dict[str, list[tuple[int, int]]] = {}
    threads = 0
    for activity in sorted(device.activities, key=lambda one: (one.start_ns, -one.end_ns)):
        lanes = free.setdefault(activity.stream, [])
        place = next((at for at, (_, until) in enumerate(lanes) if until <= activity.start_ns), len(lanes))
        if place == len(lanes):
            threads += 1
            lanes.append((threads, 0))
            names.append(_named(pid, threads, f"stream {activity.stream}" if activity.stream else "activities"))
        tid = lanes[place][0]
        lanes[place] = (tid, activity.end_ns)
        times = (activity.start_ns - origin_ns, activity.duration_ns)
        events.append(_complete(pid, tid, activity.name, activity.kind, times, activity.details))
    return [*names, *events]


def _event(span: Span, origin_ns: int) -> dict[str, Any]:
    times = (span.start_ns - origin_ns, span.duration_ns)
    return _complete(PROCESS, THREAD, span.name, span.category, times, span.details)


def _complete(
    pid: int, tid: int, name: str, category: str, times: tuple[int, int], details: Mapping[str, Any]
) -> dict[str, Any]:
    """`times`: start and duration in ns; `details` without the stack, which would be the most of the file.

    Rebased first: ns since 1970 in µs would need more digits than a float has.
    """
    return {
        "ph": "X",
        "name": name,
        "cat": category,
        "pid": pid,
        "tid": tid,
        "ts": times[0] / NS_PER_US,
        "dur": times[1] / NS_PER_US,
        "args": to_json({key: value for key, value in details.items() if key != STACK}),
    }
