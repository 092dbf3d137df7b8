from __future__ import annotations

import sys

import pytest

from unslow.scripts.slowest_line import slowest_line

pytestmark = pytest.mark.usefixtures("own_folder")


def loops(times: int) -> int:
    found = 0
    for n in range(times):
        found += n
    return found


def item() -> list[int]:
    few = loops(3)
    many = sorted(range(300_000), key=lambda n: -n)
    return [few, *many]


def fails() -> None:
    loops(10)
    raise ValueError


def test_nobodys_lines() -> None:
    assert slowest_line(lambda: None)[1] >= 0 and slowest_line(sys.getrecursionlimit) == ("", 0.0)


def test_the_innermost_line_is_named() -> None:
    line, part = slowest_line(item)
    assert line == f"test_slowest_line.py:{item.__code__.co_firstlineno + 2}" and 0 < part <= 1


def test_what_raises_leaves_nothing_behind() -> None:
    before = sys.gettrace()
    with pytest.raises(ValueError):
        slowest_line(fails)
    assert sys.gettrace() is before
