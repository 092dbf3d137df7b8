from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from unslow.core.device import Activity, Device
from unslow.core.profile import Profile, Span
from unslow.read import reader_of
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


def with_devices() -> Profile:
    """Two devices; on the second a copy and a kernel overlap in one stream, and the first began before the steps."""
    first = Device("GPU 0", (Activity("early", "kernel", BEGIN - 501, BEGIN - 1, "7"),), BEGIN - 501, BEGIN, "V100")
    activities = (
        Activity("k", "kernel", BEGIN + 3, BEGIN + 10, "7", details={"op": "aten::mm"}),
        Activity("c", "copy", BEGIN + 5, BEGIN + 17, "7"),
        Activity("k", "kernel", BEGIN + 10, BEGIN + 11, "7"),
        Activity("sum", "communication", BEGIN + 5, BEGIN + 6, "20"),
    )
    return replace(a_profile(), devices=(first, Device("GPU 1", activities, BEGIN, BEGIN + 20)))


def test_a_device_is_a_process_and_a_stream_a_thread() -> None:
    events = perfetto(with_devices())["traceEvents"]
    names = {(e["pid"], e["name"] == "thread_name" and e["tid"]): e["args"]["name"] for e in events if e["ph"] == "M"}
    assert (names[2, False], names[3, False], names[2, 1]) == ("GPU 0 (V100)", "GPU 1", "stream 7")
    assert [names[3, tid] for tid in (1, 2, 3)] == ["stream 7", "stream 7", "stream 20"], "what overlaps has two"
    on = [(e["name"], e["tid"], e["cat"]) for e in events if e["pid"] == 3 and e["ph"] == "X"]
    assert on == [("k", 1, "kernel"), ("c", 2, "copy"), ("sum", 3, "communication"), ("k", 1, "kernel")]


def test_times_of_devices_are_exact_and_none_is_negative() -> None:
    trace = perfetto(with_devices())
    events = [event for event in trace["traceEvents"] if event["ph"] == "X"]
    assert min(event["ts"] for event in events) == 0.0 and trace["otherData"]["origin_ns"] == BEGIN - 501
    (copy,) = [event for event in events if event["cat"] == "copy"]
    assert BEGIN - 501 + round(copy["ts"] * 1000) == BEGIN + 5 and round(copy["dur"] * 1000) == 12


def test_no_reader_takes_it_for_a_recording(tmp_path: Path) -> None:
    assert reader_of(write(with_devices(), tmp_path / "p.json")) is None
