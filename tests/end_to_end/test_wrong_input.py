"""What is wrong with a target, or what it lacks here, is said in exactly two lines; nothing like a result stays."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from commands import NUMPY_WORK, path_without, unslow, written

RESULTS = ("report.json", "report.html", "bundle", "profile.perfetto.json")


def refused(folder: Path, done: subprocess.CompletedProcess[str], *says: str, code: int = 2) -> None:
    lines = done.stderr.splitlines()
    assert (done.returncode, len(lines)) == (code, 2), done.stderr
    assert lines[0].startswith("unslow: ")
    assert all(word in done.stderr for word in says), done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert not [path for name in RESULTS for path in folder.rglob(name)]


def work(body: str) -> str:
    return NUMPY_WORK + "\n@unslow.workload\ndef wrong():\n" + body


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("    return unslow.Inference(predict, [])", "no inputs"),
        ("    return unslow.Inference(predict, [np.ones((1, 7), np.float32)])", "float32[1, 7]"),
        ("    return unslow.Inference(predict, [np.ones((1, 1500)), np.ones((1, 7))])", "float64[1, 7]"),
        ("    return unslow.Inference(predict, [np.array([['a'] * 1500])])", "<U1[1, 1500]"),
        ("    return unslow.Inference(predict, ['x'], prepare=lambda raw: 1 / 0)", "prepare raised ZeroDivisionError"),
        ("    return unslow.Inference(predict, [np.ones((1, 1500))], finish=lambda raw: 1 / 0)", "ZeroDivisionError"),
        ("    return unslow.Inference(predict, [np.ones((1, 1500))], carry={'no': 'x'})", "carries the output 'no'"),
        ("    return 3", "returned int"),
        ("    import ctypes; ctypes.string_at(0)", "SIGSEGV"),
        ("    raise SystemExit(7)", "exit code 7"),
    ],
)
def test_a_workload_that_cannot_be_used(tmp_path: Path, body: str, says: str) -> None:
    file = written(tmp_path, work(body))
    refused(tmp_path, unslow(tmp_path, "fix", f"{file}:wrong", "--out", tmp_path / "run"), says)


@pytest.mark.parametrize(
    ("arrays", "says"),
    [
        ({"x": np.ones((1, 7), np.float32)}, "float32[1, 7]"),
        ({"y": np.ones((1, 1500), np.float32)}, "y"),
        ({"0/x": np.ones((1, 1500)), "1/x": np.ones((2, 3))}, "float64[2, 3]"),
        ({}, "holds no arrays"),
    ],
)
def test_inputs_that_the_model_does_not_take(tmp_path: Path, arrays: dict[str, np.ndarray], says: str) -> None:
    file = written(tmp_path, NUMPY_WORK)
    np.savez(tmp_path / "in.npz", **arrays)
    refused(tmp_path, unslow(tmp_path, "fix", f"{file}:predict", "--inputs", tmp_path / "in.npz"), says)


def test_inputs_beside_a_workload_that_has_its_own(tmp_path: Path) -> None:
    file = written(tmp_path, NUMPY_WORK)
    np.savez(tmp_path / "in.npz", x=np.ones((1, 1500)))
    refused(tmp_path, unslow(tmp_path, "fix", f"{file}:work", "--inputs", tmp_path / "in.npz"), "says itself")


METRIC = """    inputs = [np.full((1, 1500), number, np.float32) for number in range(8)]
    return unslow.Inference(predict, inputs, labels=list(range(8)), metric={metric})"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("metric", "says"),
    [
        ("lambda outputs, labels: 1 / 0", "ZeroDivisionError"),
        ("lambda outputs, labels: float('nan')", "nan"),
        ("lambda outputs, labels: 'good'", "metric"),
    ],
)
def test_a_metric_that_cannot_be_used(tmp_path: Path, metric: str, says: str) -> None:
    file = written(tmp_path, work(METRIC.format(metric=metric)))
    arguments = ("fix", f"{file}:wrong", "--out", tmp_path / "run", "--only", "keep-model-loaded", "--worth", "1")
    refused(tmp_path, unslow(tmp_path, *arguments), says)


@pytest.mark.slow
def test_evaluation_requests_that_the_original_cannot_answer(tmp_path: Path) -> None:
    body = "    x = np.ones((1, 1500), np.float32)\n    return unslow.Inference(predict, [x], evaluation=[x, x[:, :3]])"
    file = written(tmp_path, work(body))
    arguments = ("fix", f"{file}:wrong", "--out", tmp_path / "run", "--only", "keep-model-loaded", "--worth", "1")
    refused(tmp_path, unslow(tmp_path, *arguments), "float32[1, 3]")


@pytest.mark.parametrize("content", [b"", b"\x08\x07\x12\x07pytorch", b"not a model"])
def test_an_onnx_file_that_is_not_whole(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "cut.onnx").write_bytes(content)
    refused(tmp_path, unslow(tmp_path, "fix", tmp_path / "cut.onnx"), "cut.onnx cannot be loaded")


def small_model() -> tuple[bytes, int]:
    """A whole ONNX file, and where its graph ends: what follows is a field of its own, which a cut can leave out."""
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    weights = onnx.numpy_helper.from_array(np.ones((8, 8), np.float32), "w")
    x, y = (onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, ["n", 8]) for name in "xy")
    graph = onnx.helper.make_graph([onnx.helper.make_node("MatMul", ["x", "w"], ["y"])], "g", [x], [y], [weights])
    model = onnx.helper.make_model(graph, ir_version=8, opset_imports=[onnx.helper.make_opsetid("", 17)])
    whole = model.SerializeToString()
    del model.opset_import[:]
    return whole, len(model.SerializeToString())


@pytest.mark.parametrize(
    ("place", "given"),
    [
        ("first field", False),
        ("middle", False),
        ("middle", True),
        ("last of the graph", False),
        ("graph whole", False),
        ("graph whole", True),
        ("last byte", False),
    ],
)
def test_a_model_that_was_cut_off(tmp_path: Path, place: str, given: bool) -> None:
    whole, graph_ends = small_model()
    ends = {"first field": 2, "middle": len(whole) // 2, "last of the graph": graph_ends - 1, "graph whole": graph_ends}
    (tmp_path / "cut.onnx").write_bytes(whole[: ends.get(place, -1)])
    np.savez(tmp_path / "in.npz", x=np.ones((1, 8), np.float32))
    inputs = ["--inputs", tmp_path / "in.npz"] if given else []
    refused(tmp_path, unslow(tmp_path, "fix", tmp_path / "cut.onnx", *inputs, "--out", tmp_path / "run"), "cut.onnx")


@pytest.fixture
def without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Takes a library away from every process of the test."""

    def lacks(library: str) -> None:
        monkeypatch.setenv("PYTHONPATH", path_without(tmp_path, library))

    return lacks


@pytest.mark.parametrize(("verb", "given"), [("fix", False), ("fix", True), ("diagnose", False)])
def test_an_extra_that_is_not_installed(tmp_path: Path, without: Callable[[str], None], verb: str, given: bool) -> None:
    (tmp_path / "m.onnx").write_bytes(small_model()[0])
    np.savez(tmp_path / "in.npz", x=np.ones((1, 8), np.float32))
    without("onnxruntime")
    inputs = ["--inputs", tmp_path / "in.npz"] if given else []
    done = unslow(tmp_path, verb, tmp_path / "m.onnx", *inputs)
    refused(tmp_path, done, "onnxruntime", "not installed", "pip install 'unslow[onnx]'", code=3)


def test_a_library_of_the_user_s_that_is_not_installed(tmp_path: Path, without: Callable[[str], None]) -> None:
    file = written(tmp_path, "import torch\n" + NUMPY_WORK)
    without("torch")
    refused(tmp_path, unslow(tmp_path, "fix", f"{file}:work"), "torch", "not installed", "pip install", code=3)


def test_an_extra_that_one_side_of_a_comparison_lacks(tmp_path: Path, without: Callable[[str], None]) -> None:
    (tmp_path / "m.onnx").write_bytes(small_model()[0])
    file = written(tmp_path, NUMPY_WORK)
    without("onnxruntime")
    done = unslow(tmp_path, "compare", f"{file}:work", tmp_path / "m.onnx")
    refused(tmp_path, done, "pip install 'unslow[onnx]'", code=3)


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    file = written(tmp_path, NUMPY_WORK)
    refused(tmp_path, unslow(tmp_path, "fix", f"{file}:work", "--out", file / "run"), "Cannot write", "--out")
    assert {path.name for path in tmp_path.iterdir()} <= {"file.py", "cache"}


def test_a_folder_that_holds_an_earlier_run(tmp_path: Path) -> None:
    file = written(tmp_path, NUMPY_WORK)
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "journal.jsonl").write_text("")
    refused(tmp_path, unslow(tmp_path, "fix", f"{file}:work", "--out", tmp_path / "run"), "--resume")


@pytest.mark.parametrize("arguments", [["--resume", "nowhere"], ["nothing.onnx"], ["file.py:missing"], []])
def test_what_is_not_there(tmp_path: Path, arguments: list[str]) -> None:
    written(tmp_path, NUMPY_WORK)
    refused(tmp_path, unslow(tmp_path, "fix", *arguments))


@pytest.fixture
def small_disk(tmp_path: Path):
    """A file system of 60 MB, where one may be mounted."""
    folder = tmp_path / "disk"
    folder.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=60m", "tmpfs", folder], capture_output=True, check=False)
    if made.returncode:
        pytest.skip("no file system may be mounted here")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def test_a_disk_that_fills_up_on_the_way(small_disk: Path, tmp_path: Path) -> None:
    body = "    return unslow.Inference(lambda x: x.sum(), [np.ones(9_000_000, np.float32) for _ in range(4)])"
    file = written(tmp_path, work(body))
    done = unslow(tmp_path, "fix", f"{file}:wrong", "--out", small_disk / "run")
    refused(tmp_path, done, "No space left on device")


def test_a_disk_that_is_full_from_the_start(small_disk: Path, tmp_path: Path) -> None:
    (small_disk / "filler").write_bytes(bytes(30_000_000))
    file = written(tmp_path, NUMPY_WORK)
    refused(tmp_path, unslow(tmp_path, "fix", f"{file}:work", "--out", small_disk / "run"), "50 MB", "room")
