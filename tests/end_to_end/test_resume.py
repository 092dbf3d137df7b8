"""An interrupted run keeps what it has finished, and goes on from there."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import psutil
import pytest

from commands import NUMPY_WORK, lines_of, path_without, stopped_when, unslow, workers_of, written

pytestmark = pytest.mark.timeout(900)
CHOSEN = ("--only", "threads", "--only", "keep-model-loaded", "--worth", "1", "--budget", "60s")


def test_a_run_that_was_killed_goes_on_and_says_what_it_had_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One variant, where only NumPy is installed: the least that shows it, and quickly."""
    monkeypatch.setenv("PYTHONPATH", path_without(tmp_path, "torch", "onnx", "onnxruntime", "openvino"))
    file, run = written(tmp_path, NUMPY_WORK), tmp_path / "run"
    journal = run / "journal.jsonl"
    arguments = ("fix", f"{file}:work", "--out", run, "--only", "keep-model-loaded", "--worth", "1", "--budget", "40s")
    done = stopped_when(tmp_path, lambda: bool(lines_of(journal, "heat")), signal.SIGKILL, *arguments)
    assert done.returncode == -9, done.stderr
    psutil.wait_procs([psutil.Process(pid) for pid in workers_of(done.pid)], timeout=5)
    assert workers_of(done.pid) == []
    assert not (run / "report.json").exists()
    kept = lines_of(journal, "heat")
    again = unslow(tmp_path, "fix", "--resume", run, "--budget", "1s")
    assert again.returncode == 0, again.stderr
    heats = lines_of(journal, "heat")
    assert heats[: len(kept)] == kept
    assert len({heat["key"] for heat in heats}) == len(heats), "a heat was run again"
    report = json.loads((run / "report.json").read_text())
    assert ["keep-model-loaded"] in [[fix["name"] for fix in trial["fixes"]] for trial in report["trials"]]
    measured = {trial["id"]: tuple(trial["race_log_ratios"]) for trial in report["trials"]}
    assert all(measured[heat["key"]] == tuple(heat["value"]["log_ratios"]) for heat in kept)


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGKILL, -9)])
def test_a_run_that_is_ended_goes_on_where_it_was(tmp_path: Path, number: int, code: int) -> None:
    file, run = written(tmp_path, NUMPY_WORK), tmp_path / "run"
    journal = run / "journal.jsonl"
    done = stopped_when(
        tmp_path, lambda: bool(lines_of(journal, "heat")), number, "fix", f"{file}:work", "--out", run, *CHOSEN
    )
    assert done.returncode == code, done.stderr
    if number == signal.SIGINT:
        assert done.stderr.split() == ["unslow:", "Interrupted."]
        assert f"--resume {run}" in done.stdout.replace("\n", "")
    psutil.wait_procs([psutil.Process(pid) for pid in workers_of(done.pid)], timeout=5)
    assert workers_of(done.pid) == []
    assert not (run / "report.json").exists()
    kept = lines_of(journal, "heat")
    survey = (run / "work" / "survey" / "requests.npz").stat().st_mtime_ns

    again = unslow(tmp_path, "fix", "--resume", run)
    assert again.returncode == 0, again.stderr
    heats = lines_of(journal, "heat")
    assert heats[: len(kept)] == kept
    assert len({heat["key"] for heat in heats}) == len(heats), "a heat was run again"
    assert (run / "work" / "survey" / "requests.npz").stat().st_mtime_ns == survey
    report = json.loads((run / "report.json").read_text())
    measured = {trial["id"]: tuple(trial["race_log_ratios"]) for trial in report["trials"]}
    assert all(measured[heat["key"]] == tuple(heat["value"]["log_ratios"]) for heat in kept)
    assert workers_of(os.getpid()) == []


@pytest.mark.slow
def test_a_second_resume_of_a_finished_run_measures_nothing(tmp_path: Path) -> None:
    file, run = written(tmp_path, NUMPY_WORK), tmp_path / "run"
    first = unslow(tmp_path, "fix", f"{file}:work", "--out", run, "--only", "keep-model-loaded", "--worth", "1")
    assert first.returncode == 0, first.stderr
    before = {kind: lines_of(run / "journal.jsonl", kind) for kind in ("heat", "final", "guarded")}
    assert before["heat"]
    again = unslow(tmp_path, "fix", "--resume", run)
    assert again.returncode == 0, again.stderr
    assert {kind: lines_of(run / "journal.jsonl", kind) for kind in before} == before
