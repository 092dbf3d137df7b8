"""A variant that crashes, hangs, eats memory, answers NaN or cannot be exported ends its own trial alone."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import unslow
from commands import environment, workers_of, written
from unslow.core.options import Options
from unslow.core.trial import Report, Trial

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

NET = """
import ctypes
import time

import torch
import unslow

eaten = []

def eat():
    while True:
        eaten.append(torch.ones(20_000_000))
        time.sleep(0.02)

class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.a, self.b = torch.nn.Linear(64, 64), torch.nn.Linear(64, 64)

    def forward(self, x):
        BAD
        return torch.tanh(self.a(x))

@unslow.workload
def net():
    signs = [1 if number % 2 else -1 for number in range(8)]
    return unslow.Inference(Net().eval(), [torch.rand(1, 64) * sign for sign in signs])
"""
IN_INFERENCE_MODE = "if torch.is_inference_mode_enabled(): "


@pytest.fixture(autouse=True)
def one_thread(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, value in environment(tmp_path).items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)


def fixed(
    folder: Path, bad: str, fix: str = "inference-mode", budget_s: float = 30, **options: object
) -> tuple[Report, Trial]:
    """A run that tries one fix, and its trial."""
    file = written(folder, NET.replace("BAD", bad))
    chosen = Options(budget_s=budget_s, worth=1.0, only=(fix,), **options)  # type: ignore[arg-type]
    report = unslow.fix(f"{file}:net", options=chosen, out=str(folder / "run"))
    assert workers_of(os.getpid()) == []
    assert (folder / "run" / "report.json").is_file()
    assert report.winner is None
    assert not (folder / "run" / "bundle").exists()
    return report, next(trial for trial in report.trials if [one.name for one in trial.fixes] == [fix])


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        ("ctypes.string_at(0)", "crashed with SIGSEGV"),
        ("eat()", "ran out of memory"),
        ("raise ValueError('not like this')", "not like this"),
        ("raise SystemExit(5)", "exit code 5"),
    ],
)
def test_what_goes_wrong_in_a_variant_is_its_reason(tmp_path: Path, bad: str, says: str) -> None:
    _, trial = fixed(tmp_path, IN_INFERENCE_MODE + bad, memory_bytes=2_000_000_000)
    assert (trial.verdict, trial.speedup) == ("failed", None)
    assert says in trial.reason


def test_a_variant_that_hangs(tmp_path: Path) -> None:
    _, trial = fixed(tmp_path, IN_INFERENCE_MODE + "time.sleep(3600)", patience_s=45.0)
    assert trial.verdict == "failed"
    assert "It hung: open took more than 45 s" in trial.reason


def test_a_variant_that_answers_nan(tmp_path: Path) -> None:
    _, trial = fixed(tmp_path, IN_INFERENCE_MODE + "return torch.tanh(self.a(x)) * float('nan')")
    assert trial.outputs is not None
    assert trial.outputs.verdict == "lost"
    assert "NaN" in trial.reason


def test_a_model_whose_branch_no_exporter_can_keep(tmp_path: Path) -> None:
    """The program's export refuses it; the tracer keeps one branch, which the guard sees."""
    report, _ = fixed(tmp_path, "if x.sum() > 0: return self.b(x) * 3", "onnxruntime", 150)
    assert len(report.trials) > 1
    for trial in (trial for trial in report.trials if trial.fixes):
        lost = trial.outputs is not None and trial.outputs.verdict == "lost"
        assert trial.verdict == "failed" or lost, trial
        assert trial.reason


DEEP = """
class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.layers = torch.nn.ModuleList(torch.nn.Linear(64, 64) for _ in range(40))

    def forward(self, x):
        scale = 1
        BAD
        for layer in self.layers:
            x = torch.tanh(layer(x))
        return x * scale
"""
NO_EXPORT = "scale = 1 if x.sum() > 0 else 3"


def with_a_good_one(bad: str) -> str:
    """The same workload around a net that any graph runtime, and any cheaper call, makes faster."""
    begins, ends = NET.index("class Net"), NET.index("@unslow.workload")
    return NET[:begins] + DEEP.replace("BAD", bad) + NET[ends:]


@pytest.mark.parametrize(
    ("bad", "bad_fix", "good_fix"),
    [
        (IN_INFERENCE_MODE + "ctypes.string_at(0)", "inference-mode", "onnxruntime"),
        (IN_INFERENCE_MODE + "eat()", "inference-mode", "onnxruntime"),
        (IN_INFERENCE_MODE + "time.sleep(3600)", "inference-mode", "onnxruntime"),
        (IN_INFERENCE_MODE + "return x * float('nan')", "inference-mode", "onnxruntime"),
        (NO_EXPORT, "onnxruntime", "inference-mode"),
    ],
    ids=["crashes", "eats memory", "hangs", "answers nan", "cannot be exported"],
)
def test_beside_a_bad_variant_the_good_one_wins(tmp_path: Path, bad: str, bad_fix: str, good_fix: str) -> None:
    file = written(tmp_path, with_a_good_one(bad))
    chosen = Options(budget_s=240, worth=1.0, only=(bad_fix, good_fix), memory_bytes=2_000_000_000, patience_s=60.0)
    report = unslow.fix(f"{file}:net", options=chosen, out=str(tmp_path / "run"))
    assert workers_of(os.getpid()) == []
    assert report.winning is not None, report.trials
    assert [one.name for one in report.winning.fixes] == [good_fix]
    assert (report.winning.verdict, (tmp_path / "run" / "bundle").is_dir()) == ("faster", True)
    tried = [trial for trial in report.trials if bad_fix in [one.name for one in trial.fixes]]
    assert tried
    for trial in tried:
        assert trial.verdict == "failed" or (trial.outputs is not None and trial.outputs.verdict == "lost"), trial
        assert trial.reason
