from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from unslow.core.errors import BadInput, BadUsage
from unslow.core.workload import Host
from unslow.read import read
from unslow.record import onnxruntime_profiler
from workloads import branching_model

pytest.importorskip("onnxruntime")
ONE_THREAD = Host(threads=1)


def requests(count: int) -> list[dict[str, Any]]:
    return [{"x": np.ones((1 + n, 8), np.float32), "flag": np.array(n % 2 == 0)} for n in range(count)]


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ort")
    model = branching_model(folder / "m.onnx")
    return onnxruntime_profiler.record(model, {"spinning": False}, requests(4), folder / "out", ONE_THREAD)


def test_no_request_is_misuse(tmp_path: Path) -> None:
    with pytest.raises(BadUsage):
        onnxruntime_profiler.record(tmp_path / "m.onnx", {}, [], tmp_path)


def test_an_unknown_level_is_misuse(tmp_path: Path) -> None:
    with pytest.raises(BadUsage, match="fastest"):
        onnxruntime_profiler.record(tmp_path / "m.onnx", {"graph_level": "fastest"}, requests(1), tmp_path)


def test_a_file_that_is_no_model(tmp_path: Path) -> None:
    (tmp_path / "m.onnx").write_bytes(b"nothing")
    with pytest.raises(BadInput, match=r"m\.onnx"):
        onnxruntime_profiler.record(tmp_path / "m.onnx", {}, requests(1), tmp_path)


def test_a_request_that_does_not_fit(tmp_path: Path) -> None:
    model = branching_model(tmp_path / "m.onnx")
    with pytest.raises(BadInput):
        onnxruntime_profiler.record(model, {}, [{"x": np.ones((1, 8), np.float64)}], tmp_path, ONE_THREAD)


def test_leaves_one_file(recording: Path) -> None:
    assert [file.name for file in recording.parent.iterdir()] == ["onnxruntime.json"]


def test_profiling_had_ended_for_the_bare_seconds(recording: Path) -> None:
    events = json.loads(recording.read_text())
    clock = events[-1]["args"]
    runs = [event for event in events if event["name"] == "model_run"]
    assert len(runs) == clock["warm_up"] + 4
    assert len(clock["bare_seconds"]) == len(clock["recorded_seconds"]) == 4


def test_the_warm_up_is_not_in_the_profile(recording: Path) -> None:
    profile = read(recording)
    assert len(profile.steps) == profile.requests == 4
    assert [span.details["shapes"][0] for span in profile.spans if span.details.get("op") == "MatMul"] == [
        [rows, 8] for rows in (1, 2, 3, 4)
    ]


def test_each_branch_lies_inside_its_if(recording: Path) -> None:
    profile = read(recording)
    inside = [(span.details.get("op"), _ops_above(profile.spans, span)) for span in profile.spans]
    branches = [(op, above) for op, above in inside if op in ("Relu", "Add")]
    assert branches == [("Relu", ["If"]), ("Add", ["If"]), ("Relu", ["If"]), ("Add", ["If"])]
    assert {span.category for span in profile.spans if span.details.get("op") == "If"} == {"framework"}


def _ops_above(spans: Any, span: Any) -> list[str]:
    found: list[str] = []
    while span.parent >= 0:
        span = spans[span.parent]
        found += [span.details["op"]] if "op" in span.details else []
    return found


def test_nodes_have_their_details(recording: Path) -> None:
    product = next(span for span in read(recording).spans if span.details.get("op") == "MatMul")
    assert product.category == "compute"
    assert product.details["provider"] == "CPUExecutionProvider"
    # The weights were packed for the kernel: ONNX Runtime no longer lists them.
    assert product.details["shapes"][0] == [1, 8]
    assert set(product.details["dtypes"]) == {"float32"}
    assert product.details["flops"] == 2 * 1 * 8 * 4


def test_a_real_model_with_nested_branches(tmp_path: Path) -> None:
    package = pytest.importorskip("silero_vad")
    model = Path(package.__file__).parent / "data" / "silero_vad.onnx"
    heard = {"input": np.zeros((1, 576), np.float32), "state": np.zeros((2, 1, 128), np.float32)}
    request = {**heard, "sr": np.array(16000, np.int64)}
    profile = read(onnxruntime_profiler.record(model, {}, [request] * 5, tmp_path, ONE_THREAD))
    assert sum(profile.shares.values()) == pytest.approx(1)
    recurrent = [span for span in profile.spans if span.details.get("op") == "LSTM"]
    assert len(recurrent) == 5
    assert all(_ops_above(profile.spans, span) == ["If", "If"] for span in recurrent)
