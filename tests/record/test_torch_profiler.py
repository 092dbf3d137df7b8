from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from unslow.core.errors import BadUsage
from unslow.core.profile import Profile
from unslow.read import read
from unslow.record import torch_profiler
from workloads import cnn, minilm, mlp

torch = pytest.importorskip("torch")
REQUESTS = [0, 1, 2, 1, 0]


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Any:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return torch_profiler.record(mlp(), REQUESTS, tmp_path_factory.mktemp("mlp"))


@pytest.fixture(scope="module")
def convolutions(tmp_path_factory: pytest.TempPathFactory) -> Profile:
    return read(torch_profiler.record(cnn(), [0, 1, 2], tmp_path_factory.mktemp("cnn")))


def test_no_request_is_misuse(tmp_path: Path) -> None:
    with pytest.raises(BadUsage):
        torch_profiler.record(lambda place: place, [], tmp_path)


def test_an_error_of_the_workload_comes_through_and_leaves_stderr_as_it_was(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ZeroDivisionError):
        torch_profiler.record(lambda place: 1 // place, [1, 0], tmp_path)
    import os

    os.write(2, b"still here")
    assert capfd.readouterr().err.endswith("still here")


def test_nothing_of_the_profiler_reaches_the_terminal(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    torch_profiler.record(lambda place: torch.ones(2) + 1, [0], tmp_path)
    shown = capfd.readouterr()
    assert (shown.out, shown.err) == ("", "")


def test_python_stacks_are_not_recorded(recording: Path) -> None:
    events = json.loads(recording.read_text())["traceEvents"]
    assert not any(event.get("cat") == "python_function" for event in events)


def test_only_the_recorded_answers_are_steps(recording: Path) -> None:
    profile = read(recording)
    assert len(profile.steps) == profile.requests == len(REQUESTS)


def test_keeps_the_raw_seconds_of_both_kinds(recording: Path) -> None:
    header = json.loads(recording.read_text())["unslow"]
    assert header["schema"] == "unslow.kineto/1"
    assert len(header["bare_seconds"]) == len(header["recorded_seconds"]) == len(REQUESTS)
    assert read(recording).distortion == pytest.approx(header["distortion"])


def test_the_wall_time_is_that_of_an_independent_clock(recording: Path) -> None:
    header = json.loads(recording.read_text())["unslow"]
    steps = [step.duration_ns / 1e9 for step in read(recording).steps]
    # Our clock runs around the step, so it can only be the longer one.
    assert all(step <= clocked for step, clocked in zip(steps, header["recorded_seconds"], strict=True))


def test_each_request_has_its_own_shapes(recording: Path) -> None:
    profile = read(recording)
    first_of_step = {}
    for span in profile.spans:
        if span.name == "aten::addmm":
            root = span
            while root.parent >= 0:
                root = profile.spans[root.parent]
            first_of_step.setdefault(root.details["mark"], span.details)
    assert [details["shapes"][1] for details in first_of_step.values()] == [[1 + place, 64] for place in REQUESTS]
    assert [details["flops"] for details in first_of_step.values()] == [2 * (1 + n) * 64 * 64 for n in REQUESTS]
    assert all(details["dtypes"] == ["float32"] * 3 for details in first_of_step.values())


def test_flops_are_counted_once(recording: Path) -> None:
    profile = read(recording)
    counted = sum(span.details.get("flops", 0) for span in profile.spans)
    assert counted == sum(2 * (1 + place) * 64 * (64 + 10) for place in REQUESTS)


def test_steps_know_their_memory(recording: Path) -> None:
    for step in read(recording).steps:
        assert 0 < step.details["peak_bytes"] <= step.details["allocated_bytes"]
        assert step.details["allocations"] > 0


def test_shares_sum_to_one(recording: Path, convolutions: Profile) -> None:
    assert sum(read(recording).shares.values()) == pytest.approx(1)
    assert sum(convolutions.shares.values()) == pytest.approx(1)


def test_a_convolution_is_compute_and_its_callers_are_not(convolutions: Profile) -> None:
    categories = {span.name: span.category for span in convolutions.spans}
    assert categories["aten::mkldnn_convolution"] == "compute"
    assert categories["aten::max_pool2d_with_indices"] == "compute"
    assert categories["aten::native_batch_norm"] == "compute"
    assert {categories[name] for name in ("aten::conv2d", "aten::max_pool2d", "aten::empty", "step")} == {"framework"}


def test_convolutions_flops_with_padding_stride_and_groups(convolutions: Profile) -> None:
    flops = [span.details["flops"] for span in convolutions.spans if span.name == "aten::mkldnn_convolution"]
    assert flops[:2] == [2 * (2 * 8 * 32 * 32) * (3 * 9), 2 * (2 * 16 * 7 * 7) * (4 * 9)]


@pytest.mark.filterwarnings("ignore")
def test_a_transformer(tmp_path: Path) -> None:
    profile = read(torch_profiler.record(minilm(["a short one", "hello"]), [0, 1, 0], tmp_path))
    assert len(profile.steps) == 3
    assert sum(profile.shares.values()) == pytest.approx(1)
    products = [span for span in profile.spans if span.name == "aten::addmm"]
    assert len(products) == 3 * (6 * 6 + 1)  # four projections and two of the feed-forward part a layer, and the pooler
    assert all(span.category == "compute" and span.details["flops"] > 0 for span in products)
    attention = [span for span in profile.spans if span.name == "aten::_scaled_dot_product_flash_attention_for_cpu"]
    tokens = [5, 3, 5]
    assert [span.details["flops"] for span in attention[::6]] == [2 * 12 * n * n * (32 + 32) for n in tokens]


def test_of_requests_alike_one_is_looked_at_in_detail(tmp_path: Path) -> None:
    kinds = ["short", "long", "long", "long", "short"]
    recorded = torch_profiler.record(mlp(), REQUESTS, tmp_path, kinds)
    requests = json.loads(recorded.read_text())["unslow_calls"]["requests"]
    assert requests["1"] == requests["2"] != requests["0"]
    # What has the shapes of its kind is joined by the order of its operators, as ever.
    assert len(read(recorded).steps) == len(REQUESTS)
