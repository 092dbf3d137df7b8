"""A profile as a Chrome trace: a timeline that Perfetto (ui.perfetto.dev) and speedscope open."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from unslow.core.jsonable import to_json
from unslow.core.profile import Profile, Span

SCHEMA = "unslow.perfetto/1"
NS_PER_US = 1000
PROCESS, THREAD = 1, 1


def perfetto(profile: Profile) -> dict[str, Any]:
    """The trace as plain JSON: one complete event a span, its category as `cat`, its details as `args`.

    Times are µs from the first step's start, exact to the nanosecond; under `otherData` are the schema, that start, and
    what else the profile knows.
    """
    origin_ns = min((span.start_ns for span in profile.spans), default=0)
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
        "traceEvents": [*_names(profile), *(_event(span, origin_ns) for span in profile.spans)],
    }


def write(profile: Profile, path: Path) -> Path:
    """Write the trace to `path`; returns it."""
    path.write_text(json.dumps(perfetto(profile)), encoding="utf-8")
    return path


def _names(profile: Profile) -> list[dict[str, Any]]:
    """What the viewers call the process and the thread."""
    common = {"ph": "M", "pid": PROCESS, "tid": THREAD, "ts": 0}
    return [
        {**common, "name": "process_name", "args": {"name": f"unslow ({profile.source})"}},
        {**common, "name": "thread_name", "args": {"name": "the thread that the steps wait for"}},
    ]


def _event(span: Span, origin_ns: int) -> dict[str, Any]:
    return {
        "ph": "X",
        "name": span.name,
        "cat": span.category,
        "pid": PROCESS,
        "tid": THREAD,
        # Rebased first: ns since 1970 in µs would need more digits than a float has.
        "ts": (span.start_ns - origin_ns) / NS_PER_US,
        "dur": span.duration_ns / NS_PER_US,
        "args": to_json(span.details),
    }
