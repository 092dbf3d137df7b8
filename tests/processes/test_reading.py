"""Recordings read in a process of their own: the same profile, or two lines that say why not."""

from __future__ import annotations

import gzip
import pickle
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from unslow.core.errors import BadInput
from unslow.core.profile import Profile
from unslow.processes import _reader, reading
from unslow.processes.reading import GB, Limits, limits_for, read_apart
from unslow.read import read

EVENT = '{"ph": "X", "cat": "cpu_op", "name": "aten::mm", "pid": 1, "tid": 1, "ts": %d.5, "dur": 3}'
WIDE = Limits(4 * GB, 60)


def recording(folder: Path, head: str = '{"traceEvents": [', tail: str = "]}") -> Path:
    path = folder / "t.json"
    path.write_text(head + ", ".join(EVENT % (place * 10) for place in range(50)) + tail)
    return path


def bomb(path: Path, head: bytes, piece: bytes, times: int) -> Path:
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(head)
        for _ in range(times):
            file.write(piece)
    return path


def test_the_profile_is_the_same(tmp_path: Path) -> None:
    apart = read_apart(recording(tmp_path))
    assert apart == read(tmp_path / "t.json") and isinstance(apart, Profile)


def test_an_error_of_a_reader_is_the_same(tmp_path: Path) -> None:
    path = recording(tmp_path, tail="")
    with pytest.raises(BadInput) as here:
        read(path)
    with pytest.raises(BadInput) as apart:
        read_apart(path)
    assert (apart.value.what, apart.value.todo) == (here.value.what, here.value.todo)


def _other_sqlite(path: Path) -> Path:
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE songs (name TEXT)")
    database.close()
    return path


BAD: dict[str, Callable[[Path], Path]] = {
    "empty": lambda path: bomb(path, b"", b"", 0),
    "zeros": lambda path: bomb(path, b"", bytes(1 << 20), 100),
    "spaces": lambda path: bomb(path, b'{"traceEvents": [', b" " * (1 << 20), 100),
    "a name": lambda path: bomb(path, b'{"traceEvents": [{"ph": "', b"x" * (1 << 20), 100),
    "borders": lambda path: bomb(path, b'{"traceEvents": [{"a": [', b"{}," * (1 << 18), 100),
    "a head": lambda path: bomb(path, b'{"schemaVersion": 1, "a": "', b"x" * (1 << 20), 100),
    "a tail": lambda path: bomb(path, b'{"traceEvents": [], "a": "', b"x" * (1 << 20), 100),
    "SQLite": _other_sqlite,
}


@pytest.mark.parametrize("kind", BAD)
def test_what_unfolds_or_is_no_recording(kind: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput) as caught:
        read_apart(BAD[kind](tmp_path / "t"), WIDE)
    assert str(tmp_path / "t") in caught.value.what and caught.value.todo
    assert "\n" not in caught.value.what + caught.value.todo and "Traceback" not in str(caught.value)


def test_more_memory_than_it_may_take(tmp_path: Path) -> None:
    path = bomb(tmp_path / "t.pb.gz", b"\x0a/host:", bytes(1 << 24), 100)
    with pytest.raises(BadInput, match="takes more than 1 GB of memory"):
        read_apart(path, Limits(GB, 60))


def test_more_time_than_it_may_take(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="takes more than 0 s to read"):
        read_apart(recording(tmp_path), Limits(4 * GB, 0.01))


def test_a_reader_that_crashes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading.sys, "executable", str(_shell(tmp_path, "kill -SEGV $$")))
    with pytest.raises(BadInput, match="its reader ended with SIGSEGV"):
        read_apart(recording(tmp_path), WIDE)
    monkeypatch.setattr(reading.sys, "executable", str(_shell(tmp_path, "exit 3")))
    with pytest.raises(BadInput, match="its reader ended with exit code 3"):
        read_apart(recording(tmp_path), WIDE)


def _shell(folder: Path, does: str) -> Path:
    path = folder / "shell"
    path.write_text(f"#!/bin/sh\n{does}\n")
    path.chmod(0o755)
    return path


def test_whatever_is_raised_is_an_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_reader, "_limit", lambda kind, most: None)  # They would hold for the tests.

    def fails(path: Path) -> Profile:
        raise RuntimeError("a defect\nof ours")

    monkeypatch.setattr("unslow.read.read", fails)
    what, todo = pickle.loads(_reader.answer(tmp_path, GB, 1))
    assert what.endswith("cannot be read: RuntimeError: a defect") and todo

    def full(path: Path) -> Profile:
        raise MemoryError

    monkeypatch.setattr("unslow.read.read", full)
    assert pickle.loads(_reader.answer(tmp_path, GB, 1)) is None


def test_limits_grow_with_the_file_in_time_alone(tmp_path: Path) -> None:
    (tmp_path / "small").write_bytes(b"1")
    with (tmp_path / "large").open("wb") as file:
        file.truncate(10**9)  # Of holes: nothing is written.
    small, large = limits_for(tmp_path / "small"), limits_for(tmp_path / "large")
    assert small.time_s == pytest.approx(60) and large.time_s == pytest.approx(1060)
    assert GB <= small.memory_bytes <= 4 * GB and GB <= large.memory_bytes <= 4 * GB
