"""What a caller names: what is refused first, then what comes of it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from unslow import targets
from unslow.cli import main as cli
from unslow.core.errors import BadInput, BadUsage
from unslow.core.workload import Inference, Target, workload
from unslow.verbs._named import command_of, named, resumed

X = np.ones((1, 3), np.float32)
GOOD = "import unslow\n@unslow.workload\ndef work():\n    return unslow.Inference(abs, [1])\ndef f(x):\n    return x\n"


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "m.onnx").write_bytes(b"a model")
    (tmp_path / "m.pt2").write_bytes(b"a program")
    (tmp_path / "file.py").write_text(GOOD)
    np.savez(tmp_path / "in.npz", x=X)
    return tmp_path


@workload
def marked() -> Inference:
    return Inference(abs, [1])


@pytest.mark.parametrize(
    ("what", "inputs", "about", "says"),
    [
        ("m.onnx", None, {"metrics": abs}, "no argument 'metrics'"),
        ("m.onnx", None, {"metric": abs, "labels": [1]}, "without inputs"),
        ("m.onnx", [object()], {}, "which a model file cannot take"),
        ("m.onnx", [], {}, "no inputs"),
        ("m.onnx", "no.npz", {}, "no file of inputs"),
        ("m.pt2", [X], {}, "can run code"),
        ("file.py:work", None, {"metric": abs}, "says itself how it is judged"),
        (Inference(abs, [1]), [1], {}, "says itself what its inputs"),
        (marked, None, {"tolerance": 0.1}, "says itself what its inputs"),
        (abs, [X], {"shapes": {"x": (1,)}}, "declared inputs of a model file"),
        (Target("python-file", "/file.py"), [X], {}, "has its inputs already"),
        (abs, None, {}, "has no inputs"),
        (3, [X], {}, "nothing that can be run"),
    ],
)
def test_what_makes_no_sense_is_said_in_two_lines(
    files: Path, what: Any, inputs: Any, about: dict[str, Any], says: str
) -> None:
    with pytest.raises((BadInput, BadUsage), match=says) as error:
        named(what, inputs, **about)
    assert error.value.todo
    assert not (files / "unslow-runs").exists()


def test_a_model_file_takes_live_requests(files: Path) -> None:
    run = named("m.onnx", [{"x": X}, {"x": X + 1}], out="run")
    assert (run.target.kind, run.target.location) == ("onnx-file", str(files / "m.onnx"))
    assert [request["x"][0, 0] for request in targets.requests_from_npz(run.target.inputs)] == [1, 2]
    assert not targets.changed(run.target)
    assert named("file.py:f", [X], out="other").target.name == "f"


def test_and_a_file_of_them_shapes_and_trust(files: Path) -> None:
    assert named("m.onnx", files / "in.npz", out="a").target.inputs == str(files / "in.npz")
    assert named(files / "m.onnx", shapes={"x": [2, 3]}, out="b").target.name == "x=2x3"
    assert named("m.pt2", [X], trust=True, out="c").target.trust


def test_a_model_file_is_judged_by_a_metric(files: Path) -> None:
    run = named("m.onnx", [{"x": X}], metric=max, labels=[1], tolerance=0.2, out="run")
    inference = targets.load(run.target)
    assert (inference.model, inference.labels, inference.tolerance) == (files / "m.onnx", [1], 0.2)
    assert named("m.onnx", "in.npz", metric=max, labels=[1]).folder.path.name.startswith("m-")


def test_a_live_model_takes_a_file_of_requests(files: Path) -> None:
    inference = targets.load(named(abs, "in.npz", out="run").target)
    np.testing.assert_array_equal(inference.inputs[0]["x"], X)


def test_what_repeats_a_run_is_kept_for_whoever_goes_on_with_it(files: Path) -> None:
    run = named("m.onnx", out="run", command="unslow fix m.onnx --budget 1m")
    again = resumed(str(run.folder.path))
    assert command_of(again.folder, again.target) == "unslow fix m.onnx --budget 1m"
    other = named("m.onnx", out="a folder")
    assert command_of(other.folder, other.target) == f"unslow fix {files / 'm.onnx'}"


def test_the_command_line_keeps_what_was_typed(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from unslow.verbs import fix

    monkeypatch.setattr(sys, "argv", ["something else"])
    kept: list[str] = []

    def stopped(run: Any, *_: Any) -> Any:
        kept.append(command_of(run.folder, run.target))
        raise BadInput("Stopped.", "Here.")

    monkeypatch.setattr(fix, "fix_named", stopped)
    assert cli.main(["fix", "m.onnx", "--out", "a run", "--shape", "x=1x3"]) == 2
    assert cli.main(["fix", "--resume", "a run", "--budget", "9m"]) == 2
    assert kept == ["unslow fix m.onnx --out 'a run' --shape x=1x3"] * 2
