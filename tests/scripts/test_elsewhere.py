"""Whether another process can make an item, tried with real processes."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path
from types import ModuleType

import pytest

from unslow.scripts.elsewhere import Elsewhere, tried_elsewhere

pytestmark = pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")
PATIENCE_S = 30.0


class Numbers:
    def __getitem__(self, index: int) -> int:
        return index


class OnlyHere:
    """As a library with threads of its own: a fork of it raises, a fresh one does not."""

    def __init__(self) -> None:
        self._made_in = os.getpid()

    def __getitem__(self, index: int) -> int:
        if os.getpid() != self._made_in:
            raise RuntimeError("its threads are not here\nbut there")
        return index

    def __getstate__(self) -> dict[str, int]:
        return {}

    def __setstate__(self, state: dict[str, int]) -> None:
        self._made_in = os.getpid()


class NotPickled(OnlyHere):
    def __getstate__(self) -> dict[str, int]:
        raise TypeError("a socket has no copy")


class Locked:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lock.acquire()

    def __getitem__(self, index: int) -> int:
        with self._lock:
            return index

    def __getstate__(self) -> dict[str, int]:
        raise TypeError("a lock has no copy")


class Crashing:
    def __getitem__(self, index: int) -> int:
        os._exit(7)


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The main script, as a process that starts afresh imports it."""
    file = tmp_path / "train.py"
    file.write_text("if __name__ == '__main__':\n    raise RuntimeError('began once more')\n")
    module = ModuleType("__main__")
    module.__file__ = str(file)
    monkeypatch.setitem(sys.modules, "__main__", module)
    return file


def test_a_fork_that_makes_an_item_is_all_that_is_tried(script: Path) -> None:
    script.unlink()
    assert tried_elsewhere(Numbers(), PATIENCE_S) == Elsewhere("fork")


def test_a_script_that_would_begin_again_is_not_imported(script: Path) -> None:
    script.write_text("raise RuntimeError('began once more')\n")
    assert tried_elsewhere(OnlyHere(), PATIENCE_S) == Elsewhere("none", "RuntimeError: its threads are not here")


def test_nor_is_one_that_cannot_be_read(script: Path) -> None:
    script.write_text("if __name__ == '__main__'\n")
    assert tried_elsewhere(OnlyHere(), PATIENCE_S).method == "none"


def test_a_data_set_without_a_copy_stays_here(script: Path) -> None:
    assert tried_elsewhere(NotPickled(), PATIENCE_S) == Elsewhere("none", "RuntimeError: its threads are not here")


def test_one_that_waits_for_ever_is_ended(script: Path) -> None:
    assert tried_elsewhere(Locked(), 0.2) == Elsewhere("none", "it did not come within 0.2 s")


def test_one_that_ends_is_noticed(script: Path) -> None:
    script.write_text("")
    assert tried_elsewhere(Crashing(), PATIENCE_S) == Elsewhere("none", "the process ended with code 7")


def test_a_fork_that_raises_and_a_fresh_process_that_does_not(script: Path) -> None:
    found = tried_elsewhere(OnlyHere(), PATIENCE_S)
    assert found == Elsewhere("forkserver", "RuntimeError: its threads are not here")
