from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import traces
from traces import op, step
from unslow.core.errors import BadInput
from unslow.core.profile import Profile, Span
from unslow.read import facts_of, read


def profile_of(tmp_path: Path, *events: Any, **others: Any) -> Profile:
    return read(traces.kineto(tmp_path / "t.json", events, **others))


def tensors(*shapes: list[int], kind: str = "float") -> dict[str, Any]:
    return {"Input Dims": list(shapes), "Input type": [kind] * len(shapes), "Concrete Inputs": [""] * len(shapes)}


def named(profile: Profile, name: str) -> Span:
    return next(span for span in profile.spans if span.name == name)


def test_a_trace_without_operators(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no operators"):
        profile_of(tmp_path, {"ph": "M", "name": "process_name", "pid": 1, "tid": 0, "ts": 0, "args": {}})


def test_an_event_without_a_time(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="dur is none"):
        profile_of(tmp_path, {"ph": "X", "cat": "cpu_op", "name": "aten::mm", "pid": 1, "tid": 1, "ts": 1})


def test_operators_outside_of_the_steps_are_left_out(tmp_path: Path) -> None:
    profile = profile_of(tmp_path, op("aten::mm", 0, 5), step(0, 10, 10), op("aten::add", 25, 5))
    assert [span.name for span in profile.spans] == ["step"]


def test_what_encloses_all_steps_is_no_step(tmp_path: Path) -> None:
    profile = profile_of(tmp_path, op("epoch", 0, 100, "user_annotation"), step(0, 10, 10), step(1, 30, 10))
    assert [span.name for span in profile.spans] == ["step", "step"]


def test_python_s_frames_stand_around_the_operators(tmp_path: Path) -> None:
    frames = [op("train.py(12): step", 1, 8, "python_function"), op("torch/x.py(1): f", 2, 6, "python_function")]
    profile = profile_of(tmp_path, step(0, 0, 10), *frames, op("aten::mm", 3, 4))
    assert [span.name for span in profile.spans] == ["step", "train.py(12): step", "aten::mm"]
    assert profile.spans[2].parent == 1 and profile.shares["compute"] == pytest.approx(0.4)


LOADS = "enumerate(DataLoader)#_SingleProcessDataLoaderIter.__next__"


def test_what_a_loader_runs_in_this_thread_is_waiting_for_data(tmp_path: Path) -> None:
    events = [step(0, 0, 100), op(LOADS, 5, 60, "user_annotation"), op("aten::stack", 10, 20), op("aten::mm", 70, 25)]
    profile = profile_of(tmp_path, *events)
    assert profile.shares["data"] == pytest.approx(0.6) and profile.shares["compute"] == pytest.approx(0.25)
    facts = facts_of(profile)
    assert facts.script is not None and [loader.workers for loader in facts.script.loaders] == [0]
    assert facts.script.loaders[0].wait_s == pytest.approx(60e-6)


def test_other_threads_are_only_counted(tmp_path: Path) -> None:
    profile = profile_of(tmp_path, step(0, 0, 10), op("aten::mm", 1, 5, tid=2), op("aten::mm", 2, 3))
    assert len(profile.spans) == 2
    assert any(note.startswith("1 operators ran on other threads") for note in profile.notes)


def test_a_devices_copy_of_the_steps_is_not_counted_again(tmp_path: Path) -> None:
    profile = profile_of(tmp_path, step(0, 0, 10), {**step(0, 0, 10, "gpu_user_annotation"), "tid": 7})
    assert len(profile.steps) == 1


def test_times_are_exact_to_the_nanosecond(tmp_path: Path) -> None:
    """As µs since 1970 they have 19 digits, more than a float holds."""
    file = tmp_path / "t.json"
    traces.kineto(file, [op("ProfilerStep#0", 1, "DUR"), op("aten::mm", 2, 0.5)])
    text = file.read_text().replace('"ts": 1,', '"ts": 1700000000000000.123,').replace('"DUR"', "7.001")
    file.write_text(text.replace('"ts": 2,', '"ts": 1700000000000001.457,'))
    root, product = read(file).spans
    assert (root.start_ns, root.duration_ns) == (1_700_000_000_000_000_123, 7_001)
    assert (product.start_ns, product.duration_ns) == (1_700_000_000_000_001_457, 500)


def test_a_child_rounded_beyond_its_parent_is_cut(tmp_path: Path) -> None:
    profile = profile_of(tmp_path, step(0, 0, 10), op("aten::linear", 1, 5), op("aten::addmm", 2, 4.001))
    assert named(profile, "aten::addmm").end_ns == named(profile, "aten::linear").end_ns
    assert not profile.notes


def test_what_reaches_far_beyond_its_parent_is_noted(tmp_path: Path) -> None:
    profile = profile_of(tmp_path, step(0, 0, 10), op("aten::linear", 1, 5), op("aten::addmm", 2, 400))
    assert any("cut off" in note for note in profile.notes)


def test_overlapping_steps_are_one(tmp_path: Path) -> None:
    assert len(profile_of(tmp_path, step(0, 0, 10), step(1, 5, 10), step(2, 20, 5)).steps) == 2


def test_nothing_marks_the_steps(tmp_path: Path) -> None:
    profile = profile_of(tmp_path, op("aten::mm", 10, 5), op("aten::add", 20, 10))
    assert [step.duration_ns for step in profile.steps] == [20_000]
    assert any("Nothing marks the steps" in note for note in profile.notes)


@pytest.mark.parametrize(
    ("name", "children", "category"),
    [
        ("aten::linear", ["aten::t", "aten::addmm"], "framework"),
        ("aten::relu", ["aten::clamp_min"], "framework"),
        ("c10d::allreduce_", ["gloo:all_reduce"], "communication"),
        ("aten::contiguous", ["aten::clone"], "framework"),
        ("aten::zeros", ["aten::empty", "aten::zero_"], "framework"),
        ("aten::embedding_bag", ["aten::_embedding_bag"], "framework"),
        ("aten::view", [], "framework"),
        ("aten::empty", [], "framework"),
        ("forward", [], "framework"),
        ("aten::addmm", ["aten::expand", "aten::copy_", "aten::resolve_conj"], "compute"),
        ("aten::sum", ["aten::as_strided", "aten::fill_"], "compute"),
        ("aten::add", ["aten::to"], "compute"),
        ("aten::mkldnn_convolution", ["aten::empty", "aten::resize_"], "compute"),
        ("aten::mkldnn_rnn_layer", ["aten::cat", "aten::empty"], "compute"),
        ("aten::_embedding_bag_dense_backward", ["aten::sort", "aten::zeros"], "compute"),
        ("aten::copy_", [], "compute"),
        ("aten::zero_", [], "compute"),
        ("aten::zero_", ["aten::fill_"], "framework"),
        ("quantized::linear_dynamic", [], "compute"),
        ("## Call CompiledFxGraph abc ##", ["aten::convolution"], "compute"),
    ],
)
def test_whose_time_it_is(tmp_path: Path, name: str, children: list[str], category: str) -> None:
    inside = [op(child, 2 + place, 1) for place, child in enumerate(children)]
    assert named(profile_of(tmp_path, step(0, 0, 20), op(name, 1, 10), *inside), name).category == category


@pytest.mark.parametrize(
    ("name", "category"),
    [("cudaLaunchKernel", "framework"), ("cudaMemcpyAsync", "transfer"), ("cudaStreamSynchronize", "sync")],
)
def test_calls_of_a_devices_runtime(tmp_path: Path, name: str, category: str) -> None:
    profile = profile_of(tmp_path, step(0, 0, 10), op("aten::mm", 1, 8), op(name, 2, 3, "cuda_runtime"))
    assert named(profile, name).category == category
    assert named(profile, "aten::mm").category == "compute"


def test_own_times_by_category(tmp_path: Path) -> None:
    profile = profile_of(tmp_path, step(0, 0, 100), op("aten::linear", 10, 60), op("aten::addmm", 20, 40))
    assert profile.shares["compute"] == pytest.approx(0.4)
    assert profile.shares["framework"] == pytest.approx(0.6)


def test_shapes_dtypes_and_flops(tmp_path: Path) -> None:
    call = {
        "Input Dims": [[4], [2, 3], [3, 4], [], []],
        "Input type": ["float", "double", "c10::BFloat16", "Scalar", "long int"],
        "Concrete Inputs": ["", "", "", "1", ""],
    }
    profile = profile_of(tmp_path, step(0, 0, 10), op("aten::addmm", 1, 2, **call))
    details = named(profile, "aten::addmm").details
    assert details["op"] == "aten::addmm"
    assert details["shapes"] == [[4], [2, 3], [3, 4], []]
    assert details["dtypes"] == ["float32", "float64", "bfloat16", "int64"]
    assert details["flops"] == 2 * 2 * 3 * 4


def test_lists_of_tensors_keep_their_shapes(tmp_path: Path) -> None:
    call = {"Input Dims": [[[1, 2], [3, 2]], []], "Input type": ["TensorList", "Scalar"], "Concrete Inputs": ["", "0"]}
    details = named(profile_of(tmp_path, step(0, 0, 10), op("aten::cat", 1, 2, **call)), "aten::cat").details
    assert details["shapes"] == [[1, 2], [3, 2]]


def test_who_only_dispatches_has_no_flops(tmp_path: Path) -> None:
    shapes = tensors([2, 3], [3, 4])
    events = [op("aten::matmul", 1, 5, **shapes), op("aten::mm", 2, 3, **shapes)]
    profile = profile_of(tmp_path, step(0, 0, 10), *events)
    assert "flops" not in named(profile, "aten::matmul").details
    assert named(profile, "aten::mm").details["flops"] == 48


def own_calls(*names: str) -> dict[str, Any]:
    calls = [[name, [[place + 1, 1], [1, 1]], ["float", "float"], ["", ""]] for place, name in enumerate(names)]
    steps = {"0": {"ops": list(range(len(names))), "peak_bytes": 64}}
    return {"unslow": {"requests": [0]}, "unslow_calls": {"calls": calls, "requests": steps}}


def test_shapes_from_the_other_window_are_joined_by_order(tmp_path: Path) -> None:
    events = [step(0, 0, 20), op("aten::mm", 1, 2), op("aten::add", 4, 2), op("aten::mm", 8, 2)]
    profile = profile_of(tmp_path, *events, **own_calls("aten::mm", "aten::add", "aten::mm"))
    assert [span.details["shapes"][0] for span in profile.spans[1:]] == [[1, 1], [2, 1], [3, 1]]
    assert profile.steps[0].details["peak_bytes"] == 64


def test_a_name_with_another_count_in_the_other_window_stays_without_shapes(tmp_path: Path) -> None:
    events = [step(0, 0, 20), op("aten::mm", 1, 2), op("aten::add", 4, 2)]
    profile = profile_of(tmp_path, *events, **own_calls("aten::mm", "aten::mm", "aten::add"))
    assert ["shapes" in span.details for span in profile.spans[1:]] == [False, True]
