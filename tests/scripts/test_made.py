"""What is made outside of a mirror is noted by several processes, and removed in the end."""

from __future__ import annotations

from pathlib import Path

import pytest

from unslow.scripts.made import LOG, Made, remove_made


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / LOG


def test_what_nobody_has_noted_was_not_made(log: Path) -> None:
    made = Made(log)
    assert "/data/run1" not in made and remove_made(log) == ()


def test_what_lies_in_a_folder_that_was_made_was_made_too(log: Path) -> None:
    made = Made(log)
    made.note("/data/run1")
    assert "/data/run1" in made and "/data/run1/deep/model.pt" in made
    assert "/data" not in made and "/data/run10" not in made


def test_another_process_knows_of_it(log: Path) -> None:
    one, other = Made(log), Made(log)
    assert "/data/a b\nc" not in other
    one.note("/data/a b\nc")
    one.note("/data/é")
    assert "/data/a b\nc" in other and "/data/é" in other


def test_a_line_that_is_not_whole_yet_is_read_later(log: Path) -> None:
    made = Made(log)
    log.write_bytes(b'"/data/one"\n"/data/t')
    assert "/data/one" in made and "/data/two" not in made
    with log.open("ab") as more:
        more.write(b'wo"\n')
    assert "/data/two" in made


def test_all_of_it_is_removed_and_nothing_else(tmp_path: Path, log: Path) -> None:
    made = Made(log)
    (tmp_path / "kept").write_text("the user's")
    for name in ("run1", "run1/deep", "run1/deep/model.pt", "alone", "gone"):
        made.note(str(tmp_path / name))
    (tmp_path / "run1" / "deep").mkdir(parents=True)
    (tmp_path / "run1" / "deep" / "model.pt").touch()
    (tmp_path / "alone").touch()
    assert remove_made(log) == (str(tmp_path / "run1"), str(tmp_path / "alone"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["kept"]


def test_what_somebody_else_has_put_there_stays(tmp_path: Path, log: Path) -> None:
    made = Made(log)
    for name in ("run1", "run1/ours.pt"):
        made.note(str(tmp_path / name))
    (tmp_path / "run1").mkdir()
    (tmp_path / "run1" / "ours.pt").touch()
    (tmp_path / "run1" / "theirs.pt").write_text("another run's")
    assert remove_made(log) == (str(tmp_path / "run1" / "ours.pt"),)
    assert (tmp_path / "run1" / "theirs.pt").read_text() == "another run's"


def test_a_run_whose_folder_is_gone_goes_on(tmp_path: Path) -> None:
    made = Made(tmp_path / "gone" / LOG)
    made.note("/data/run1")
    assert "/data/run1" in made


def test_a_link_is_removed_and_not_what_it_leads_to(tmp_path: Path, log: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "file").touch()
    Made(log).note(str(tmp_path / "link"))
    (tmp_path / "link").symlink_to(tmp_path / "kept")
    remove_made(log)
    assert (tmp_path / "kept" / "file").exists() and not (tmp_path / "link").is_symlink()
