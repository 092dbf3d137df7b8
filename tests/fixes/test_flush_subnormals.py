"""The fix `flush-subnormals`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from unslow.core.workload import Host
from unslow.fixes.flush_subnormals import FIX

from .workshop import FACTS, WORKLOAD, FakeWorkshop, setting

SUBNORMAL = replace(FACTS, subnormal_share=0.2)


def test_refuses_where_there_are_none() -> None:
    assert "no subnormal" in FIX.refuses(setting())


def test_changes_nothing_where_it_is_on(tmp_path: Path) -> None:
    before = replace(WORKLOAD, host=Host(flush_subnormals=True))
    assert FIX.apply(before, {}, FakeWorkshop(tmp_path, SUBNORMAL)) is before
    assert "already" in FIX.refuses(setting(before, SUBNORMAL))


def test_switches_it_on_and_keeps_the_threads(tmp_path: Path) -> None:
    before = replace(WORKLOAD, host=Host(threads=2))
    assert FIX.refuses(setting(before, SUBNORMAL)) == ""
    after = FIX.apply(before, {}, FakeWorkshop(tmp_path, SUBNORMAL))
    assert after.host == Host(threads=2, flush_subnormals=True)
    assert before.host == Host(threads=2)
