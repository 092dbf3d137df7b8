from __future__ import annotations

import os
from pathlib import Path

import pytest

from unslow.scripts import mirror
from unslow.scripts.mirror import mirrored


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    (folder / "data" / "photos").mkdir(parents=True)
    (folder / "train.py").write_text("print(1)\n")
    (folder / "data" / "photos" / "a.jpg").write_bytes(b"a")
    return folder


def test_small_files_are_copies_in_real_folders(project: Path, tmp_path: Path) -> None:
    made = mirrored(project, project / "train.py", tmp_path / "into")
    assert made.script == made.folder / "train.py" and made.script.read_text() == "print(1)\n"
    assert not (made.folder / "data").is_symlink() and not (made.folder / "data" / "photos" / "a.jpg").is_symlink()
    (made.folder / "data" / "photos" / "a.jpg").write_bytes(b"changed")
    assert (project / "data" / "photos" / "a.jpg").read_bytes() == b"a"


def test_large_files_are_links(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mirror, "LARGEST_COPY_BYTES", 10)
    (project / "large.bin").write_bytes(b"x" * 11)
    made = mirrored(project, project / "train.py", tmp_path / "into")
    assert (made.folder / "large.bin").readlink() == project / "large.bin"


def test_folders_with_very_many_entries_and_environments_are_links(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mirror, "MOST_ENTRIES", 3)
    for number in range(4):
        (project / "data" / "photos" / f"{number}.jpg").touch()
    (project / "mine").mkdir()
    (project / "mine" / "pyvenv.cfg").touch()
    made = mirrored(project, project / "train.py", tmp_path / "into")
    assert (made.folder / "data" / "photos").is_symlink() and (made.folder / "mine").is_symlink()
    assert not (made.folder / "data").is_symlink()


def test_what_is_copied_has_an_end(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mirror, "MOST_COPIED_ENTRIES", 2)
    made = mirrored(project, project / "train.py", tmp_path / "into")
    assert (made.folder / "data" / "photos").is_symlink()
    assert not (made.folder / "train.py").is_symlink()  # what lies near the top comes first


def test_earlier_runs_and_the_mirror_itself_are_left_out(project: Path) -> None:
    (project / "unslow-runs" / "old").mkdir(parents=True)
    (project / "out" / "run" / "work").mkdir(parents=True)
    (project / "out" / "run" / "work" / "target.json").touch()
    (project / "out" / "table.csv").touch()
    made = mirrored(project, project / "train.py", project / "out" / "into")
    assert not (made.folder / "unslow-runs").exists()
    assert not list((made.folder / "out").rglob("train.py")) and not (made.folder / "out" / "run").exists()
    assert (made.folder / "out" / "table.csv").exists()


def test_what_lies_around_the_working_folder_is_found_by_its_relative_path(project: Path, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.csv").write_text("1,2\n")
    made = mirrored(project, project / "train.py", tmp_path / "runs" / "into")
    assert (made.folder / ".." / "data" / "a.csv").read_text() == "1,2\n"
    assert (made.folder / ".." / "project" / "train.py").samefile(made.script)


def test_a_script_above_the_working_folder_finds_what_it_is_beside(project: Path, tmp_path: Path) -> None:
    made = mirrored(project / "data", project / "train.py", tmp_path / "into")
    assert made.script.parent == made.folder.parent and (made.script.parent / "data" / "photos" / "a.jpg").exists()
    assert not made.folder.is_symlink()


@pytest.mark.parametrize("name", ["lib", "env"])
def test_a_patched_file_in_a_linked_folder_is_not_the_user_s(project: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / "elsewhere").mkdir()
    for folder in (tmp_path / "elsewhere", project / "env"):
        folder.mkdir(exist_ok=True)
        (folder / "loaders.py").write_text("print(2)\n")
        (folder / "other.py").write_text("print(4)\n")
    (project / "lib").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "new.py").write_text("print(3)\n")
    made = mirrored(project, project / "train.py", tmp_path / "into", {f"{name}/loaders.py": tmp_path / "new.py"})
    assert (project / name / "loaders.py").read_text() == "print(2)\n"
    assert (made.folder / name / "loaders.py").read_text() == "print(3)\n"
    assert (made.folder / name / "other.py").read_text() == "print(4)\n"


def test_a_script_in_a_folder_that_is_linked_has_a_real_one(project: Path, tmp_path: Path) -> None:
    (project / "env").mkdir()
    (project / "env" / "train.py").write_text("print(2)\n")
    made = mirrored(project, project / "env" / "train.py", tmp_path / "into")
    assert not made.script.parent.is_symlink() and made.script.read_text() == "print(2)\n"


def test_what_cannot_be_copied_is_linked(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(source: str, target: object) -> None:
        raise PermissionError(13, "Permission denied", source)

    monkeypatch.setattr("unslow.scripts.mirror.shutil.copy2", refuses)
    made = mirrored(project, project / "train.py", tmp_path / "into")
    assert made.script.is_symlink() and made.script.read_text() == "print(1)\n"


def test_a_script_that_lies_elsewhere_brings_its_own_folder(project: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "scripts"
    elsewhere.mkdir()
    (elsewhere / "train.py").write_text("print(2)\n")
    (elsewhere / "helper.py").touch()
    made = mirrored(project, elsewhere / "train.py", tmp_path / "into")
    assert made.script.read_text() == "print(2)\n" and (made.script.parent / "helper.py").exists()
    assert (made.folder / "train.py").read_text() == "print(1)\n"


def test_a_patched_file_takes_its_place(project: Path, tmp_path: Path) -> None:
    (tmp_path / "new.py").write_text("print(3)\n")
    patched = {"train.py": tmp_path / "new.py", "cached.py": tmp_path / "new.py"}
    made = mirrored(project, project / "train.py", tmp_path / "into", patched)
    assert made.script.read_text() == "print(3)\n" and (made.folder / "cached.py").exists()
    assert (project / "train.py").read_text() == "print(1)\n"


def test_a_patched_file_takes_its_place_beside_a_script_that_lies_elsewhere(project: Path, tmp_path: Path) -> None:
    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts" / "train.py").write_text("print(2)\n")
    (tmp_path / "new.py").write_text("print(3)\n")
    patched = {"train.py": tmp_path / "new.py", "cached.py": tmp_path / "new.py"}
    made = mirrored(project, tmp_path / "scripts" / "train.py", tmp_path / "into", patched)
    assert made.script.read_text() == "print(3)\n" and (made.script.parent / "cached.py").exists()
    assert (made.folder / "train.py").read_text() == "print(1)\n"


def test_a_link_of_the_users_stays_one(project: Path, tmp_path: Path) -> None:
    (project / "link").symlink_to("train.py")
    made = mirrored(project, project / "train.py", tmp_path / "into")
    assert os.path.realpath(made.folder / "link") == str(project / "train.py")
