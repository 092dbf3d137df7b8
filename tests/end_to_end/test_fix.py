"""`fix` from its target to what it leaves on the disk, with real processes: what goes well."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import unslow as package
from commands import NUMPY_WORK, environment, unslow, workers_of, written
from unslow.core.options import Options
from unslow.core.trial import Report

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
SCHEMAS = Path(__file__).parents[2] / "docs" / "schemas"

SMALL_NET = """
import torch
import unslow

torch.manual_seed(0)

class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = torch.nn.ModuleList(torch.nn.Linear(32, 32) for _ in range(40))
        self.norm = torch.nn.LayerNorm(32)

    def forward(self, x):
        for layer in self.layers:
            x = x + torch.nn.functional.gelu(self.norm(layer(x)))
        return {"features": x, "score": x.sum(dim=-1)}

@unslow.workload
def net():
    generator = torch.Generator().manual_seed(1)
    return unslow.Inference(Net().eval(), [torch.randn(1, 32, generator=generator) for _ in range(16)])
"""


@pytest.fixture(autouse=True)
def one_thread(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, value in environment(tmp_path).items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)


def check_files(folder: Path) -> dict[str, Any]:
    """Everything that every finished run leaves; the report as it stands in the file."""
    import jsonschema

    report = json.loads((folder / "report.json").read_text())
    jsonschema.validate(report, json.loads((SCHEMAS / "report-1.json").read_text()))
    assert "<html" in (folder / "report.html").read_text()[:500].lower()
    trace = json.loads((folder / "profile.perfetto.json").read_text())
    assert sum(event.get("dur", 0) for event in trace["traceEvents"]) > 0
    assert (folder / "journal.jsonl").stat().st_size > 0
    assert (folder / "bundle").exists() == (report["winner"] is not None)
    assert not list(folder.rglob("*.draft*")) + list(folder.rglob("*.partial"))
    assert not (folder / "work" / "inductor").exists()
    return report


def trial_of(report: Report, fixes: str) -> Any:
    return next(trial for trial in report.trials if str(trial) == fixes)


def test_a_small_net_is_made_faster_and_its_bundle_answers_the_same(tmp_path: Path) -> None:
    import torch

    file = written(tmp_path, SMALL_NET)
    done = unslow(
        tmp_path, "fix", f"{file}:net", "--only", "inference-mode", "--only", "onnxruntime", "--budget", "150s",
        "--out", tmp_path / "run", "--json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    report = check_files(tmp_path / "run")
    assert json.loads(done.stdout) == report
    winner = next(trial for trial in report["trials"] if trial["id"] == report["winner"])
    assert "onnxruntime" in [fix["name"] for fix in winner["fixes"]]
    assert winner["speedup"]["low"] > 1.2
    assert (winner["verdict"], winner["outputs"]["verdict"]) == ("faster", "kept")
    assert report["trials"][0] == winner
    assert winner["reason"] == ""
    assert all(trial["reason"] for trial in report["trials"][1:])
    fast = package.load(report["bundle"])
    space: dict[str, Any] = {}
    exec(file.read_text(), space)
    inference = space["net"]()
    for request in inference.inputs[:4]:
        ours, theirs = fast(request), inference.model(request)
        for name in ("features", "score"):
            np.testing.assert_allclose(ours[name], theirs[name].detach(), rtol=1e-4, atol=1e-4)
    assert isinstance(fast(torch.zeros(1, 32))["score"], (np.ndarray, torch.Tensor))


def test_an_onnx_file_runs_on_made_inputs_and_says_so(tmp_path: Path) -> None:
    import onnx
    from onnx import helper

    rng = np.random.default_rng(0)
    weights = [
        onnx.numpy_helper.from_array(rng.standard_normal((128, 128)).astype(np.float32) / 11, f"w{layer}")
        for layer in range(20)
    ]
    nodes: list[Any] = []
    for layer in range(20):
        nodes.append(helper.make_node("MatMul", [f"x{layer}", f"w{layer}"], [f"m{layer}"]))
        nodes.append(helper.make_node("Tanh", [f"m{layer}"], [f"x{layer + 1}"]))
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x0", onnx.TensorProto.FLOAT, ["n", 128])],
        [helper.make_tensor_value_info("x20", onnx.TensorProto.FLOAT, ["n", 128])],
        weights,
    )
    model = helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)])
    onnx.save(model, str(tmp_path / "m.onnx"))
    options = Options(budget_s=40, only=("threads", "onnxruntime"), worth=1.0)
    report = package.fix(tmp_path / "m.onnx", options=options, out=str(tmp_path / "run"))
    check_files(tmp_path / "run")
    assert any("unproven" in note and "--inputs" in note for note in report.notes)
    assert len(report.trials) >= 1
    assert all(trial.verdict != "failed" for trial in report.trials)


def test_a_plain_function_with_its_requests_in_a_file(tmp_path: Path) -> None:
    file = written(tmp_path, NUMPY_WORK)
    np.savez(tmp_path / "in.npz", **{f"{n}/x": np.full((1, 1500), n, np.float32) for n in range(6)})
    done = unslow(
        tmp_path, "fix", f"{file}:predict", "--inputs", tmp_path / "in.npz", "--budget", "30s", "--worth", "1",
        "--only", "threads", "--only", "keep-model-loaded", "--out", tmp_path / "run",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    report = check_files(tmp_path / "run")
    assert report["target"] == f"{file}:predict"
    assert report["requests"]["count"] == 6


NOTEBOOK = """
import torch
import unslow
from unslow.core.options import Options

class Gated(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = torch.nn.Sequential(*[torch.nn.Linear(48, 48) for _ in range(30)])

    def forward(self, x):
        return torch.sigmoid(self.layers(x)) * x

torch.manual_seed(0)
model = Gated()
inputs = [torch.randn(1, 48) for _ in range(8)]
report = unslow.fix(model, inputs, options=Options(budget_s=150, only=("onnxruntime",)), out="run")
assert report._repr_html_().strip().startswith("<")
fast = unslow.load(report.bundle)
worst = max(abs(torch.as_tensor(fast(x)) - model(x)).max().item() for x in inputs)
print("WINNER", report.winning, worst)
assert worst < 1e-4
"""


def test_a_live_model_from_a_script_of_the_user_s(tmp_path: Path) -> None:
    import subprocess
    import sys

    script = written(tmp_path, NOTEBOOK, "notebook.py")
    done = subprocess.run(
        [sys.executable, str(script)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=environment(tmp_path),
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "WINNER onnxruntime" in done.stdout
    check_files(tmp_path / "run")


def test_nothing_of_ours_is_left_running(tmp_path: Path) -> None:
    import os

    file = written(tmp_path, NUMPY_WORK)
    options = Options(budget_s=20, only=("threads",), worth=1.0)
    report = package.fix(f"{file}:work", options=options, out=str(tmp_path / "run"))
    assert report.winner is None or report.winning
    assert workers_of(os.getpid()) == []
