from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from unslow.core.profile import Profile, Span
from unslow.read._tree import Stretch, tree_of
from unslow.report.perfetto import perfetto, write

BEGIN = 1_700_000_000_000_000_123


def a_profile() -> Profile:
    spans = (
        Span("step", "framework", BEGIN, BEGIN + 1_000_001),
        Span("aten::linear", "framework", BEGIN + 7, BEGIN + 900_007, 0),
        Span("aten::addmm", "compute", BEGIN + 1_009, BEGIN + 890_013, 1, {"shapes": [[2, 3]], "flops": 12}),
        Span("cudaMemcpy", "transfer", BEGIN + 900_007, BEGIN + 999_999, 0),
        Span("step", "framework", BEGIN + 2_000_000, BEGIN + 2_000_333),
    )
    return Profile(spans, "kineto", 2, 0.04, ("a note",)).self_check()


def read_back(trace: dict[str, Any], origin_ns: int) -> Profile:
    """As a reader of Chrome traces does: the tree from the times alone."""
    events = [event for event in trace["traceEvents"] if event["ph"] == "X"]
    stretches = [
        Stretch(
            event["name"],
            start := origin_ns + round(event["ts"] * 1000),
            start + round(event["dur"] * 1000),
            place,
            event,
        )
        for place, event in enumerate(events)
    ]
    tree = tree_of([s for s in stretches if s.name == "step"], [s for s in stretches if s.name != "step"])
    return Profile(
        tuple(
            Span(n.stretch.name, n.stretch.args["cat"], n.start_ns, n.end_ns, n.parent, n.stretch.args["args"])
            for n in tree.nodes
        ),
        trace["otherData"]["source"],
        trace["otherData"]["requests"],
        trace["otherData"]["distortion"],
        tuple(trace["otherData"]["notes"]),
    )


def test_an_empty_profile_is_still_a_trace() -> None:
    trace = perfetto(Profile((), "steps"))
    assert [event["ph"] for event in trace["traceEvents"]] == ["M", "M"]


def test_says_its_schema() -> None:
    assert perfetto(a_profile())["otherData"]["schema"] == "unslow.perfetto/1"


def test_every_event_has_what_the_viewers_need() -> None:
    for event in perfetto(a_profile())["traceEvents"]:
        assert {"ph", "pid", "tid", "ts", "name", "args"} <= event.keys()


def test_comes_back_as_it_was(tmp_path: Path) -> None:
    profile = a_profile()
    trace = json.loads(write(profile, tmp_path / "p.json").read_text())
    back = read_back(trace, trace["otherData"]["origin_ns"])
    assert back == profile
    assert back.shares == profile.shares
    assert back.shares["compute"] == pytest.approx(889_004 / 1_000_334)
