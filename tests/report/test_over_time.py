"""Columns add up to what they show; what is drawn is the whole of a step, of a profile, of a device's window."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from tests.read.test_shared_traces import FOLDER
from tests.report import build

from unslow.core.device import Activity, Device
from unslow.core.profile import Profile, Span
from unslow.read import read
from unslow.report._icicle import OTHERS, icicle
from unslow.report._over_time import device_rows, timeline

SINCE_1970 = 1_700_000_000_000_000_123


def nested(steps: int = 3) -> Profile:
    """Steps of uneven length; in each an operator with two calls below it, and a gap of its own between them."""
    spans: list[Span] = []
    at = SINCE_1970
    for step in range(steps):
        root, end = len(spans), at + 1_000_003 + 7_777 * step
        spans.append(Span("step", "framework", at, end))
        spans.append(Span("outer", "compute", at + 11, end - 13, root))
        spans.append(Span("in", "transfer", at + 101, at + 400_001, root + 1))
        spans.append(Span("in", "sync", at + 500_001, at + 900_001, root + 1))
        at = end + 5
    return Profile(tuple(spans), "kineto", steps).self_check()


def recordings() -> Iterator[object]:
    yield pytest.param(lambda: nested(), id="nested")
    yield pytest.param(build.profile, id="built")
    reason = f"no recordings in {FOLDER}; set UNSLOW_TRACES"
    here = pytest.mark.skipif(not FOLDER.is_dir(), reason=reason)
    for name in ("kineto_resnet50_nw0.json.gz", "nsysai_h100_2gpu_offload.sqlite", "tf_bert_gpu_multiworker.xplane.pb"):
        yield pytest.param(lambda name=name: read(FOLDER / name), id=name, marks=here)


@pytest.mark.parametrize("made", list(recordings()))
def test_what_is_drawn_adds_up(made: object) -> None:
    profile: Profile = made()  # type: ignore[operator]
    steps = timeline(profile)
    assert sum(row.wall_ns for row in steps.rows) == profile.wall_ns
    for row in steps.rows:
        assert sum(row.total_ns(part) for part in row.parts) == row.wall_ns == row.edges[-1]
    frames = icicle(profile)
    assert frames[0].total_ns == profile.wall_ns == sum(frame.own_ns for frame in frames)
    for device, row in zip([one for one in profile.devices if one.window_ns > 0], device_rows(profile), strict=True):
        assert row.busy == pytest.approx(device.share(), abs=1e-9)


def test_no_steps_are_no_rows() -> None:
    empty = Profile((), "steps")
    assert timeline(empty).rows == () and icicle(empty) == () and device_rows(empty) == ()


def test_shorter_steps_have_fewer_columns_of_the_same_time() -> None:
    long, short = Span("step", "compute", 0, 1_000_000), Span("step", "idle", 2_000_000, 2_250_000)
    rows = timeline(Profile((long, short), "steps"), columns=100).rows
    assert [len(row.edges) - 1 for row in rows] == [100, 25]


def test_of_many_steps_some_are_chosen_evenly_from_the_first_to_the_last() -> None:
    spans = tuple(Span("step", "compute", 10 * step, 10 * step + 9) for step in range(1001))
    shown = timeline(Profile(spans, "steps"), most=11)
    assert [row.name for row in shown.rows] == ["1", "101", *(f"{n}01" for n in range(2, 10)), "1,001"]
    assert shown.steps == 1001


def test_a_gap_inside_a_span_is_its_own_where_it_lies() -> None:
    (row,) = timeline(nested(1), columns=10).rows
    assert row.parts["compute"][4] > 99_000 and row.parts["compute"][2] == 0


def test_short_paths_are_one_frame_that_keeps_their_time() -> None:
    step = Span("step", "framework", 0, 100_000)
    tiny = [Span(f"op{place}", "compute", 100 * place, 100 * place + 50, 0) for place in range(300)]
    frames = icicle(Profile((step, *tiny), "kineto"))
    assert [frame.name for frame in frames] == ["1 step", OTHERS]
    assert (frames[1].merged, frames[1].total_ns) == (300, 15_000)
    assert len(icicle(Profile((step, *tiny), "kineto"), least=0)) == 301


def test_there_are_never_more_frames_than_may_be() -> None:
    spans = [Span("step", "framework", 0, 10_000_000)]
    for place in range(3000):
        spans.append(Span(f"op{place}", "compute", 1000 * place, 1000 * place + 500 + place % 50, 0))
    frames = icicle(Profile(tuple(spans), "kineto"), least=0, most=200)
    assert len(frames) <= 201 and sum(frame.own_ns for frame in frames) == 10_000_000


def test_a_flat_kernel_is_below_the_operator_that_launched_it() -> None:
    spans = (Span("step", "idle", 0, 100), Span("gemm", "compute", 0, 60, 0, {"op": "aten::mm"}))
    assert [(f.name, f.depth) for f in icicle(Profile(spans, "kineto"))] == [
        ("1 step", 0),
        ("aten::mm", 1),
        ("gemm", 2),
    ]


def test_what_functions_of_python_called_is_below_them() -> None:
    inner, outer = {"stack": ("a.py(1): f", "a.py(9): g")}, {"stack": ("a.py(1): f",)}
    spans = (
        Span("step", "idle", 0, 100),
        Span("gemm", "compute", 0, 60, 0, {"op": "aten::mm", **inner}),
        Span("a.py(9): g", "framework", 60, 70, 0, {"python": True, **outer}),
        Span("a.py(1): f", "framework", 70, 90, 0, {"python": True, "stack": ()}),
    )
    frames = icicle(Profile(spans, "kineto"))
    assert [(f.name, f.depth, f.total_ns, f.own_ns) for f in frames] == [
        ("1 step", 0, 100, 10),
        ("a.py(1): f", 1, 90, 20),
        ("a.py(9): g", 2, 70, 10),
        ("aten::mm", 3, 60, 0),
        ("gemm", 4, 60, 60),
    ]


def test_what_overlaps_on_a_device_counts_for_the_first_in_rank() -> None:
    activities = (
        Activity("nccl", "communication", 0, 40),
        Activity("k", "kernel", 10, 30),
        Activity("c", "copy", 25, 50),
        Activity("late", "kernel", 95, 140),
    )
    device = Device("GPU 0", activities, 0, 100, steps=1)
    profile = replace(Profile((Span("step", "idle", 0, 100),), "kineto"), devices=(device,))
    (shown,) = device_rows(profile, columns=10)
    assert {kind: shown.row.total_ns(kind) for kind in shown.row.parts} == {
        "kernel": 25,
        "copy": 20,
        "communication": 10,
    }
    assert shown.busy == 0.55 and shown.marks == (0,)
