from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from unslow.helpers import rarely as module
from unslow.helpers.rarely import rarely


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(module, "_last", {})
    monkeypatch.setattr(module, "_left_out", {})
    return now


def test_a_call_from_the_same_line_waits_its_time(clock: list[float]) -> None:
    said: list[Any] = []
    for at in (100.0, 101.0, 129.9, 130.0, 131.0):
        clock[0] = at
        rarely(said.append)(at)
    assert said == [100.0, 130.0]


def test_lines_do_not_wait_for_each_other(clock: list[float]) -> None:
    said: list[Any] = []
    rarely(said.append)("a")
    rarely(said.append)("b")
    assert said == ["a", "b"]


def test_what_was_left_out_last_is_written_at_the_end(tmp_path: Path) -> None:
    code = "from unslow.helpers.rarely import rarely\nfor n in range(5):\n    rarely(print)(n)\n"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.split() == ["0", "4"] and done.stderr == ""


def test_nothing_is_written_twice(clock: list[float]) -> None:
    said: list[Any] = []
    rarely(said.append)(1)
    module._write_what_is_left()
    assert said == [1]
