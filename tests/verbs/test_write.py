"""What a run leaves on the disk, and what it says of the original's mode."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_trials import A, final, ran, results

from build import nothing_helped, profile, winner
from handmade import facts, machine
from unslow.core.trial import Report
from unslow.core.workload import Model, Target, Workload
from unslow.runs.folder import RunFolder
from unslow.verbs._look import Look, Surveyed
from unslow.verbs._write import _mode, measured, written  # pyright: ignore[reportPrivateUsage]


@pytest.mark.parametrize(
    ("stochastic", "evaluation_mode", "said"),
    [
        (False, False, None),
        (False, True, "has layers in training mode"),
        (True, True, "answers at random"),
        (True, False, "differently each time"),
    ],
)
def test_at_random_is_only_said_where_it_is_so(stochastic: bool, evaluation_mode: bool, said: str | None) -> None:
    notes = _mode(facts(stochastic=stochastic), evaluation_mode)
    assert len(notes) == (said is not None)
    assert said is None or said in notes[0]
    assert (evaluation_mode and stochastic) or "random" not in " ".join(notes)


def end(report: Report, folder: Path) -> None:
    workload = Workload(Target("python-file", "/file.py"), Model("function"))
    seen = Look(Surveyed(workload, facts(), ""), machine(), profile(), ())
    written(report, results(ran(A), finals=(final(A.id),)), seen, RunFolder(folder))


def test_a_run_that_ends_without_a_winner_leaves_no_bundle_of_an_earlier_end(tmp_path: Path) -> None:
    (tmp_path / "bundle").mkdir()
    (tmp_path / "bundle" / "manifest.json").write_text("{}")
    end(nothing_helped(), tmp_path)
    assert not (tmp_path / "bundle").exists() and (tmp_path / "report.json").is_file()


def test_a_bundle_says_what_it_was_measured_as() -> None:
    report = winner()
    assert report.winning is not None
    said = measured(report, report.winning)
    assert said["speedup"]["process_pairs"] == 8 and said["verdict"] == "faster" and said["outputs"] == "kept"
    assert said["against"] == report.target and said["date"].startswith("20")
    assert said["machine"]["processor"] == report.environment.processor
