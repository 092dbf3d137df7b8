from __future__ import annotations

from pathlib import Path

import pytest

from unslow.core.errors import BadInput
from unslow.core.heat import Heat
from unslow.core.variant import Applied, Variant
from unslow.core.workload import Target
from unslow.runs.folder import new_folder, write_text
from unslow.runs.journal import Journal

HEAT = Heat(Variant((Applied("threads", {"threads": 2}),)), log_ratios=(0.1, 0.2), failure="")


def test_a_journal_gives_back_what_was_added(tmp_path: Path) -> None:
    Journal(tmp_path / "j").add("heat", HEAT.id, HEAT)
    assert Journal(tmp_path / "j").all("heat", Heat) == {HEAT.id: HEAT}


def test_a_line_that_was_cut_off_is_forgotten_and_the_journal_goes_on(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j")
    journal.add("heat", "a", HEAT)
    whole = (tmp_path / "j").read_text()
    for cut in range(1, len(whole) - 1, 7):
        (tmp_path / "j").write_text(whole + whole[:cut])
        again = Journal(tmp_path / "j")
        again.add("heat", "b", HEAT)
        assert set(Journal(tmp_path / "j").all("heat", Heat)) == {"a", "b"}


def test_a_line_that_is_no_journal_is_bad_input(tmp_path: Path) -> None:
    (tmp_path / "j").write_text("nonsense\n{}\n")
    with pytest.raises(BadInput):
        Journal(tmp_path / "j")


def test_another_version_is_refused(tmp_path: Path) -> None:
    (tmp_path / "j").write_text('{"schema": "unslow.journal/99"}\n')
    with pytest.raises(BadInput, match="another version"):
        Journal(tmp_path / "j")


def test_a_folder_that_cannot_be_made_is_two_lines(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInput, match="Cannot write"):
        new_folder(Target("python-file", "/x/y.py", "work"), str(tmp_path / "file" / "run"))


def test_two_runs_in_one_second_get_two_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    target = Target("python-file", "/x/y.py", "work")
    assert new_folder(target).path != new_folder(target).path


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    with pytest.raises(BadInput):
        write_text(tmp_path / "missing" / "a", "text")
    write_text(tmp_path / "a", "text")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
