"""In processes of their own: an audit hook stays for good."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

BEGIN = """
import sys, os, shutil
from pathlib import Path
from tempfile import NamedTemporaryFile, TemporaryDirectory, TemporaryFile
from unslow.scripts.made import Made
from unslow.scripts.writes import keep_whole
home, mirror = Path(sys.argv[1]), Path(sys.argv[2])
log = home / "made.jsonl"
will_write = keep_whole(mirror, Made(log), (log,))
"""


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    home, mirror = tmp_path / "home", tmp_path / "mirror"
    home.mkdir()
    mirror.mkdir()
    (home / "model.pt").write_text("the user's")
    (home / "empty").touch()
    (mirror / "model.pt").symlink_to(home / "model.pt")
    (home / "data" / "deep").mkdir(parents=True)
    (home / "data" / "deep" / "old.txt").write_text("the user's")
    (mirror / "data").symlink_to(home / "data")
    return home, mirror


def ran(code: str, folders: tuple[Path, Path]) -> subprocess.CompletedProcess[str]:
    text = BEGIN + textwrap.dedent(code)
    return subprocess.run([sys.executable, "-c", text, *map(str, folders)], capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize(
    "code",
    [
        "open(home / 'model.pt', 'w')",
        "open(home / 'model.pt', 'r+b')",
        "(home / 'model.pt').write_text('gone')",
        "os.open(home / 'model.pt', os.O_WRONLY | os.O_TRUNC)",
        "os.remove(home / 'model.pt')",
        "os.rename(home / 'model.pt', mirror / 'x')",
        "os.replace(mirror / 'new', home / 'model.pt')",
        "shutil.rmtree(home)",
        "will_write(str(home / 'model.pt'))",
    ],
)
def test_a_file_outside_is_not_changed(code: str, folders: tuple[Path, Path]) -> None:
    (folders[1] / "new").touch()
    done = ran(code, folders)
    assert "OutsideWrite" in done.stderr and "which lies outside its working folder" in done.stderr
    assert (folders[0] / "model.pt").read_text() == "the user's"


@pytest.mark.parametrize(
    "code",
    [
        "open(mirror / 'model.pt', 'a').write('!')",
        "will_write(str(mirror / 'model.pt')); open(mirror / 'model.pt', 'a').write('!')",
        "import subprocess; os.chdir(mirror); subprocess.run(['sh', '-c', 'printf ! >> model.pt'], check=True)",
        "os.chdir(mirror); os.system('printf ! >> model.pt')",
        "os.truncate(mirror / 'model.pt', 0); open(mirror / 'model.pt', 'w').write(\"the user's!\")",
        # A link comes back into the place of a file that was the mirror's own already.
        "m = mirror / 'model.pt'; open(m, 'w'); m.unlink(); m.symlink_to(home / 'model.pt'); open(m, 'a').write('!')",
        "m = mirror / 'model.pt'; open(m, 'w'); os.symlink(home / 'model.pt', mirror / 'l'); "
        "os.replace(mirror / 'l', m); open(m, 'a').write('!')",
        "import subprocess; m = mirror / 'model.pt'; open(m, 'w'); "
        "subprocess.run(['ln', '-sf', home / 'model.pt', m], check=True); open(m, 'a').write('!')",
    ],
)
def test_a_linked_file_becomes_a_copy_before_it_is_written(code: str, folders: tuple[Path, Path]) -> None:
    assert ran(code, folders).stderr == ""
    assert (folders[1] / "model.pt").read_text() == "the user's!"
    assert (folders[0] / "model.pt").read_text() == "the user's"


@pytest.mark.parametrize(
    "code",
    [
        "open(home / 'model.pt').read()",
        "os.remove(mirror / 'model.pt')",  # the link, not the file
        "open(mirror / 'new', 'w').write('x'); os.remove(mirror / 'new')",
        "os.makedirs(mirror / 'out' / 'deep'); shutil.rmtree(mirror / 'out')",
        "open('/dev/null', 'w').write('x')",
        "open(home / 'log-of-today', 'w').write('x')",  # nothing was there
        "for _ in range(2): open(home / 'log-of-today', 'w').write('x')",  # what it has made
        "os.makedirs(home / 'out' / 'deep'); open(home / 'out' / 'x', 'w'); shutil.rmtree(home / 'out')",
        "open(mirror / 'a', 'w').close(); os.replace(mirror / 'a', home / 'b'); os.remove(home / 'b')",
        "open(home / 'empty', 'w').write('x')",
        "NamedTemporaryFile('w').write('x'); TemporaryFile('w').write('x')",
        "with TemporaryDirectory() as it: open(it + '/x', 'w').write('x'); os.remove(it + '/x')",
    ],
)
def test_all_else_goes_on_as_ever(code: str, folders: tuple[Path, Path]) -> None:
    assert ran(code, folders).stderr == ""
    assert (folders[0] / "model.pt").read_text() == "the user's"


@pytest.mark.parametrize(
    "code",
    [
        "open(mirror / 'data' / 'new.txt', 'w').write('x')",
        "open(mirror / 'data' / 'deep' / 'old.txt', 'a').write('!')",
        "os.chdir(mirror / 'data'); open('new.txt', 'w').write('x')",
        "os.makedirs(mirror / 'data' / 'made' / 'here')",
        "os.remove(mirror / 'data' / 'deep' / 'old.txt')",
        "os.replace(mirror / 'data' / 'deep' / 'old.txt', mirror / 'data' / 'moved.txt')",
        "shutil.rmtree(mirror / 'data')",
        "os.chmod(mirror / 'data' / 'deep' / 'old.txt', 0)",
        "import sqlite3; sqlite3.connect(mirror / 'data' / 'new.db').execute('create table t (x)')",
        "open(mirror / '..' / 'mirror' / 'data' / 'new.txt', 'w').write('x')",
        "old = mirror / 'data' / 'deep' / 'old.txt'; open(old, 'a').write('!'); shutil.rmtree(mirror / 'data'); "
        "os.symlink(home / 'data', mirror / 'data'); open(old, 'a').write('!')",
    ],
)
def test_what_is_done_in_a_linked_folder_is_done_in_the_mirror_alone(code: str, folders: tuple[Path, Path]) -> None:
    assert ran(code, folders).stderr == ""
    home = folders[0] / "data"
    assert sorted(str(path.relative_to(home)) for path in home.rglob("*")) == ["deep", "deep/old.txt"]
    assert (home / "deep" / "old.txt").read_text() == "the user's" and (
        home / "deep" / "old.txt"
    ).stat().st_mode & 0o600


def test_what_is_made_outside_is_noted(folders: tuple[Path, Path]) -> None:
    done = ran(
        """
        open(home / 'log-of-today', 'w').write('x')
        os.makedirs(home / 'out' / 'deep')
        open(home / 'out' / 'deep' / 'x', 'w')
        open(mirror / 'inside', 'w')
        """,
        folders,
    )
    assert done.stderr == ""
    home = folders[0]
    noted = [json.loads(line) for line in (folders[0] / "made.jsonl").read_text().splitlines()]
    assert noted == [str(home / name) for name in ("log-of-today", "out", "out/deep", "out/deep/x")]


def test_what_another_program_only_reads_is_found(folders: tuple[Path, Path]) -> None:
    done = ran("os.chdir(mirror); os.system('cat model.pt data/deep/old.txt')", folders)
    assert done.stdout == "the user'sthe user's" and done.stderr == ""
