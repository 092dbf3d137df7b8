from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from unslow.core.errors import BadInput
from unslow.core.script import Site
from unslow.core.variant import Applied, Edit
from unslow.core.workload import Target
from unslow.edits.apply import applied
from unslow.edits.patch import changed_files, diff, edits_of, patched_files, root_of, write_patch

SOURCE = "from torch.utils.data import DataLoader\n\nloader = DataLoader(photos)\n"
SITE = Site("train.py", 3, 9, 3, 27)
PERSISTENT = Applied("persistent-workers", {"site": {"file": "train.py", "line": 3, "column": 9}})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "train.py").write_text(SOURCE)
    return tmp_path


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout


class TestWhatCannotBePatched:
    def test_a_fix_without_a_form_in_source(self) -> None:
        with pytest.raises(BadInput, match="has no form in source"):
            edits_of([Applied("openvino")])

    def test_a_file_of_another_that_lies_in_the_way(self, folder: Path) -> None:
        (folder / "kept.py").write_text("mine\n")
        with pytest.raises(BadInput, match="exists already"):
            changed_files(folder, [Edit(SITE, module=("kept.py", "text\n"))], folder)

    def test_a_file_that_is_gone(self, tmp_path: Path) -> None:
        with pytest.raises(BadInput, match="cannot be read"):
            changed_files(tmp_path, [Edit(SITE, {"num_workers": "2"})], tmp_path)


@pytest.mark.parametrize("ending", ["\n", "", "\r\n"])
def test_git_takes_the_patch_whatever_the_file_ends_with(folder: Path, ending: str) -> None:
    (folder / "train.py").write_bytes((SOURCE.strip() + ending).encode())
    git(folder, "init", "-q")
    changed = changed_files(folder, [Edit(SITE, {"num_workers": "2"}, module=("kept.py", "x = 1\n"))], folder)
    patch = folder / "changes.diff"
    patch.write_text(diff(folder, changed), newline="")
    git(folder, "apply", "--check", str(patch))
    git(folder, "apply", str(patch))
    for name, text in changed.items():
        assert (folder / name).read_bytes() == text.encode()


@pytest.mark.parametrize("within", ["\x0c", "\x85", "\u2028", "\r"])
def test_only_a_line_feed_ends_a_line_of_the_patch(folder: Path, within: str) -> None:
    (folder / "train.py").write_bytes(SOURCE.encode() + f"\n# a{within}b\nx = 1\n".encode())
    git(folder, "init", "-q")
    patch = folder / "changes.diff"
    patch.write_text(diff(folder, {"train.py": f"import kept\n{SOURCE}\n# a{within}b\nx = 1\n"}), newline="")
    git(folder, "apply", "--check", str(patch))


def test_paths_are_those_of_the_repository(tmp_path: Path) -> None:
    inside = tmp_path / "deep" / "er"
    inside.mkdir(parents=True)
    (tmp_path / ".git").mkdir()
    (inside / "train.py").write_text(SOURCE)
    text = diff(inside, changed_files(inside, [Edit(SITE, {"num_workers": "2"})], inside))
    assert text.startswith("diff --git a/deep/er/train.py b/deep/er/train.py\n--- a/deep/er/train.py\n")
    assert root_of(inside) == tmp_path


def test_a_file_that_is_reached_by_a_link_is_patched_where_it_lies(tmp_path: Path) -> None:
    (tmp_path / "repo" / "lib").mkdir(parents=True)
    (tmp_path / "repo" / "scripts").mkdir()
    (tmp_path / "repo" / "lib" / "train.py").write_text(SOURCE)
    (tmp_path / "repo" / "scripts" / "lib").symlink_to(tmp_path / "repo" / "lib")
    git(tmp_path / "repo", "init", "-q")
    scripts = tmp_path / "repo" / "scripts"
    text = diff(scripts, {"lib/train.py": f"import kept\n{SOURCE}", "kept.py": "x = 1\n"})
    (tmp_path / "changes.diff").write_text(text)
    git(tmp_path / "repo", "apply", str(tmp_path / "changes.diff"))
    assert (tmp_path / "repo" / "lib" / "train.py").read_text().startswith("import kept")


def test_one_that_lies_outside_is_refused(tmp_path: Path) -> None:
    for name in ("repo", "elsewhere"):
        (tmp_path / name).mkdir()
    (tmp_path / "elsewhere" / "train.py").write_text(SOURCE)
    (tmp_path / "repo" / "lib").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(BadInput, match="reached by a link"):
        diff(tmp_path / "repo", {"lib/train.py": f"import kept\n{SOURCE}"})


def test_what_is_as_it_was_is_not_in_the_patch(folder: Path) -> None:
    assert diff(folder, {"train.py": SOURCE}) == ""


def test_a_whole_patch_is_written_and_found_again(folder: Path, tmp_path: Path) -> None:
    target = Target("script", str(folder / "train.py"), directory=str(folder))
    written = write_patch(tmp_path / "bundle", target, [PERSISTENT])
    files = patched_files(Path(written["folder"]))
    assert files["train.py"].read_text() == SOURCE.replace("photos)", "photos, persistent_workers=True)")
    assert written["bytes"] > 0
    assert "+loader = DataLoader(photos, persistent_workers=True)" in (tmp_path / "bundle" / "changes.diff").read_text()


class TestApplying:
    @pytest.fixture
    def patch(self, folder: Path, tmp_path: Path) -> Path:
        git(folder, "init", "-q")
        git(folder, "add", "train.py")
        git(folder, "-c", "user.name=n", "-c", "user.email=e", "commit", "-qm", "first")
        target = Target("script", str(folder / "train.py"), directory=str(folder))
        return Path(write_patch(tmp_path / "bundle", target, [PERSISTENT])["folder"])

    def test_not_over_a_file_that_has_changed_since(self, folder: Path, patch: Path) -> None:
        (folder / "train.py").write_text("print(1)\n")
        with pytest.raises(BadInput, match="has changed since"):
            applied(patch, force=True)
        assert (folder / "train.py").read_text() == "print(1)\n"

    def test_not_over_what_is_not_committed_unless_forced(self, folder: Path, patch: Path, tmp_path: Path) -> None:
        (folder / "train.py").write_text(SOURCE + "# more\n")
        target = Target("script", str(folder / "train.py"), directory=str(folder))
        later = Path(write_patch(tmp_path / "later", target, [PERSISTENT])["folder"])
        with pytest.raises(BadInput, match="not committed"):
            applied(later)
        assert (folder / "train.py").read_text() == SOURCE + "# more\n"
        applied(later, force=True)
        assert "persistent_workers=True)\n# more\n" in (folder / "train.py").read_text()

    def test_over_a_clean_one(self, folder: Path, patch: Path) -> None:
        assert applied(patch) == (folder / "train.py",)
        assert "persistent_workers=True" in (folder / "train.py").read_text()
