from __future__ import annotations

import sys
from pathlib import Path

import pytest

from unslow.scripts import line_counts
from unslow.scripts.line_counts import LineCounts, can_count

pytestmark = pytest.mark.usefixtures("own_folder")


def rows(times: int) -> int:
    found = 0
    for n in range(times):
        found += n
    return found


def counted(times: int) -> LineCounts:
    """From the middle of this function on."""
    counts = LineCounts()
    counts.start(sys._getframe())
    rows(times)
    counts.stop(sys._getframe())
    return counts


def at(function: object, line: int) -> str:
    return f"test_line_counts.py:{function.__code__.co_firstlineno + line}"  # type: ignore[attr-defined]


def test_who_is_traced_already_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "torch._inductor", raising=False)
    assert can_count()
    sys.settrace(lambda frame, event, argument: None)
    assert not can_count()
    sys.settrace(None)
    monkeypatch.setitem(sys.modules, "torch._inductor", sys)
    assert not can_count()


def test_lines_of_libraries_are_not_counted() -> None:
    counts = LineCounts()
    counts.start(None)
    Path("a", "b").resolve()
    counts.stop(None)
    assert all(place.startswith("test_line_counts.py:") for place in counts.found)


def test_each_line_as_often_as_it_runs() -> None:
    found = counted(50).found
    assert found[at(rows, 3)] == 50 and found[at(rows, 1)] == 1
    assert found[at(counted, 4)] == 1  # The function was running already.
    assert sys.gettrace() is None


def test_counting_ends_where_there_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line_counts, "MOST_LINES", 100)
    assert sum(counted(5_000).found.values()) == 100
    monkeypatch.setattr(line_counts, "MOST_LINES", 10_000)
    monkeypatch.setattr(line_counts, "MOST_S", 0.0)
    assert sum(counted(5_000).found.values()) < 1_000
