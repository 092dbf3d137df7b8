from __future__ import annotations

import pytest

from handmade import EMPTY, evidence, facts, found, loader, noted, phase, script, step, the
from unslow.core.script import Noted
from unslow.habits.pageable_copies import HABIT

STEP = step(phase("forward", 50), phase("transfer", 40, "transfer"))


def copy(times: int = 19, seconds: float = 19 * 40e-6, line: int = 3, **changes: object) -> Noted:
    details = {"source": "cpu", "target": "cuda", "bytes": 10**6, "pinned": False, "looked_at": 16, "same": 0}
    return noted("copy", line=line, times=times, seconds=seconds, **{**details, **changes})


def test_near_misses() -> None:
    fine = (copy(pinned=True), copy(target="meta"), copy(source="cuda", target="cpu"), copy(same=15), copy(times=3))
    known = [script(loader(), noted=(each,)) for each in (*fine, copy(seconds=1e-6))]
    pinned, none = script(loader(pinned=True), noted=(copy(),)), script(noted=(copy(),))
    assert not found(HABIT, *(evidence(STEP, each) for each in (*known, pinned, none, script(loader()), facts())))


def test_batches_from_ordinary_memory() -> None:
    finding = the(HABIT, evidence(STEP, script(loader(), noted=(copy(line=9), copy(seconds=19e-5, line=7)))))
    assert finding.share == pytest.approx(0.5) and finding.floor == 0 and finding.site == "train.py:9"
    assert "1 MB at this place" in finding.title
    assert the(HABIT, evidence(EMPTY, script(loader(), noted=(copy(),)))).floor is None
