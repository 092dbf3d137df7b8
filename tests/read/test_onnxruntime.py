from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import traces
from traces import node, op, run
from unslow.core.errors import BadInput
from unslow.core.profile import Profile
from unslow.read import read


def profile_of(tmp_path: Path, *events: Any) -> Profile:
    return read(traces.onnxruntime(tmp_path / "t.json", events))


def executor(ts: int, dur: int) -> Any:
    return op("SequentialExecutor::Execute", ts, dur, "Session")


def test_a_session_that_never_ran(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no run"):
        profile_of(tmp_path, op("model_loading_uri", 0, 10, "Session"))


def test_loading_is_no_step(tmp_path: Path) -> None:
    profile = profile_of(tmp_path, op("session_initialization", 0, 10, "Session"), node("a", 21, 3, "Add"), run(20, 5))
    assert [span.name for span in profile.spans] == ["model_run", "a"]


def test_nodes_of_other_threads_are_only_counted(tmp_path: Path) -> None:
    profile = profile_of(tmp_path, node("a", 1, 3, "Add", tid=2), node("b", 1, 3, "Add"), run(0, 9))
    assert len(profile.spans) == 2
    assert any(note.startswith("1 operators") for note in profile.notes)


def test_fences_of_older_releases_are_left_out(tmp_path: Path) -> None:
    fence = op("a_fence_before", 1, 0, "Node", op_name="Add")
    assert len(profile_of(tmp_path, fence, node("a", 1, 3, "Add"), run(0, 9)).spans) == 2


def test_subgraphs_nest_though_an_event_is_written_when_it_ends(tmp_path: Path) -> None:
    profile = profile_of(
        tmp_path, node("inner", 5, 3, "Relu"), executor(5, 3), node("branch", 4, 6, "If"), executor(2, 10), run(1, 12)
    )
    assert [(span.name, span.parent) for span in profile.spans] == [
        ("model_run", -1),
        ("SequentialExecutor::Execute", 0),
        ("branch", 1),
        ("SequentialExecutor::Execute", 2),
        ("inner", 3),
    ]
    assert [span.category for span in profile.spans] == ["framework"] * 4 + ["compute"]


@pytest.mark.parametrize(
    ("provider", "waited"), [("CUDAExecutionProvider", 0.8), ("DmlExecutionProvider", 0.8), ("OpenVINO", 0.0)]
)
def test_nodes_of_a_device_are_timed_until_they_are_started(provider: str, waited: float, tmp_path: Path) -> None:
    runs = [executor(at + 5, 15) | {"args": {}} for at in (0, 100)]
    nodes = [{**node("a", at + 8, 10, "Gemm"), "args": {"op_name": "Gemm", "provider": provider}} for at in (0, 100)]
    profile = profile_of(tmp_path, *nodes, *runs, run(0, 100), run(100, 100))
    assert profile.shares["sync"] == pytest.approx(waited) and profile.shares["compute"] == pytest.approx(0.1)
    assert any("nsys profile" in note for note in profile.notes) is bool(waited)
    profile.self_check()


def test_what_lies_outside_of_the_nodes_is_framework(tmp_path: Path) -> None:
    profile = profile_of(tmp_path, node("a", 10, 30, "Gemm"), node("b", 50, 30, "Relu"), run(0, 100))
    assert profile.shares["compute"] == pytest.approx(0.6)
    assert profile.shares["framework"] == pytest.approx(0.4)


def test_copies_between_devices_are_transfer(tmp_path: Path) -> None:
    profile = profile_of(tmp_path, node("m", 1, 3, "MemcpyFromHost"), run(0, 9))
    assert profile.spans[1].category == "transfer"


@pytest.mark.parametrize(
    ("op_name", "inputs", "output", "flops"),
    [
        ("Relu", [[2, 3]], [2, 3], None),
        ("MatMul", [[5, 2, 3], [3, 4]], [5, 2, 4], 2 * 5 * 2 * 3 * 4),
        ("MatMul", [[2, 3]], [2, 4], 2 * 2 * 3 * 4),
        ("FusedMatMul", [[3, 2], [3, 4]], [2, 4], 2 * 2 * 3 * 4),
        ("Gemm", [[3, 2], [3, 4], [4]], [2, 4], 2 * 2 * 3 * 4),
        ("FusedConv", [[1, 6, 8, 8], [4, 3, 3, 3]], [1, 4, 6, 6], 2 * (4 * 36) * 27),
    ],
)
def test_details(tmp_path: Path, op_name: str, inputs: Any, output: Any, flops: int | None) -> None:
    shapes = {"input_type_shape": [{"float": s} for s in inputs], "output_type_shape": [{"float": output}]}
    details = profile_of(tmp_path, node("n", 1, 3, op_name, **shapes), run(0, 9)).spans[1].details
    assert details["op"] == op_name
    assert details["provider"] == "CPU"
    assert details["shapes"] == inputs
    assert details["dtypes"] == ["float32"] * len(inputs)
    assert details.get("flops") == flops


def ours(*seconds: float) -> Any:
    return {"cat": "unslow", "ph": "M", "name": "unslow", "args": {"around_seconds": list(seconds)}}


@pytest.mark.parametrize("header", [ours(), ours(1.0), ours(-1.0, 1.0), ours(1e9, 1.0), ours(0.0, 0.0)])
def test_times_around_the_model_that_do_not_fit_change_nothing(tmp_path: Path, header: Any) -> None:
    profile = profile_of(tmp_path, node("a", 0, 60, "Gemm"), run(0, 100), run(100, 100), header)
    assert sorted(span.name for span in profile.spans) == ["a", "model_run", "model_run"]
    assert profile.wall_ns == 200_000


def test_the_user_s_code_around_the_model_is_part_of_its_step(tmp_path: Path) -> None:
    events = (node("a", 0, 60, "Gemm"), run(0, 100), node("b", 110, 40, "Gemm"), run(100, 100))
    profile = profile_of(tmp_path, *events, ours(100e-6, 300e-6)).self_check()
    assert [step.duration_ns for step in profile.steps] == [200_000, 400_000]
    assert profile.shares["compute"] == pytest.approx(100 / 600)
    own = [span for span in profile.spans if span.name == "prepare and finish"]
    assert [(span.duration_ns, span.category) for span in own] == [(100_000, "framework"), (300_000, "framework")]
