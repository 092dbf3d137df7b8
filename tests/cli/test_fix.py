"""`unslow fix --resume`: which options may be said anew, and that the others are refused in two plain lines."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest

from unslow.cli import main as entry
from unslow.core.options import Options
from unslow.verbs._named import keep_options, named

WORK = "import unslow\n@unslow.workload\ndef work():\n    return unslow.Inference(lambda x: x, [1])\n"
BEGUN = Options(budget_s=60.0, only=("threads",), worth=1.1, seed=3, tolerance=0.2, rate=5.0, patience_s=30.0)


class Started(Exception):
    """Where the run itself would begin."""


@pytest.fixture
def run(tmp_path: Path) -> Path:
    (tmp_path / "file.py").write_text(WORK)
    begun = named(f"{tmp_path / 'file.py'}:work", out=str(tmp_path / "run"))
    keep_options(BEGUN, begun.folder)
    return begun.folder.path


@pytest.fixture
def gone_on(run: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The options with which `unslow fix --resume` goes on; None where it does not. And the exit code."""

    def begins(*arguments: str) -> tuple[Options | None, int]:
        seen: list[Options] = []

        def fix_named(run: Any, options: Options, *_: Any) -> None:
            seen.append(options)
            raise Started

        monkeypatch.setattr(importlib.import_module("unslow.verbs.fix"), "fix_named", fix_named)
        code = entry.main(["fix", "--resume", str(run), *arguments])
        return (seen[0] if seen else None), code

    return begins


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("--only", "float16"), ("--skip", "threads"), ("--worth", "1.03"), ("--noise", "0.02"), ("--seed", "0"),
        ("--objective", "latency"), ("--tolerance", "0.2"), ("--p99-below", "5"), ("--rate", "5"), ("--out", "there"),
        ("--inputs", "in.npz"), ("--shape", "x=1x3"), ("--trust", ""),
    ],
)  # fmt: skip
def test_what_would_not_fit_what_was_measured_is_refused(
    gone_on: Any, capsys: pytest.CaptureFixture[str], name: str, value: str
) -> None:
    assert gone_on(name, *filter(None, [value])) == (None, 2)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith(f"unslow: {name} cannot be given with --resume")


def test_a_target_beside_the_run_is_refused(gone_on: Any, run: Path) -> None:
    assert gone_on(f"{run.parent / 'file.py'}:work") == (None, 2)


def test_without_a_word_the_run_goes_on_as_it_began(gone_on: Any) -> None:
    assert gone_on()[0] == BEGUN
    assert gone_on("--json")[0] == BEGUN


def test_what_changes_no_measurement_may_be_said_anew(gone_on: Any) -> None:
    options, _ = gone_on("--budget", "10m", "--patience", "1m", "--memory", "2GB", "--accept-unproven")
    assert options == Options(
        budget_s=600.0, only=("threads",), worth=1.1, seed=3, tolerance=0.2, rate=5.0,
        patience_s=60.0, memory_bytes=2_000_000_000, accept_unproven=True,
    )  # fmt: skip


def test_a_run_that_had_not_begun_begins_with_what_is_said(gone_on: Any, run: Path) -> None:
    (run / "work" / "options.json").unlink()
    assert gone_on("--only", "float16", "--budget", "9s")[0] == Options(budget_s=9.0, only=("float16",))
    assert gone_on("--inputs", "in.npz") == (None, 2)
