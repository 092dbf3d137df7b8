from __future__ import annotations

import pytest

from handmade import EMPTY, evidence, facts, found, noted, phase, script, step, the
from unslow.core.script import Noted
from unslow.habits.copied_every_step import HABIT

STEP = step(phase("forward", 50), phase("transfer", 40, "transfer"))


def copy(times: int = 19, seconds: float = 19 * 40e-6, line: int = 3, **changes: object) -> Noted:
    details = {"source": "cpu", "target": "cuda", "bytes": 4000, "pinned": False, "looked_at": 16, "same": 15}
    return noted("copy", line=line, times=times, seconds=seconds, **{**details, **changes})


def test_near_misses() -> None:
    others = (copy(same=14), copy(looked_at=3, same=2), copy(source="cuda", target="cpu"), copy(times=3))
    known = [script(noted=(each,)) for each in (*others, copy(seconds=1e-6))]
    assert not found(HABIT, *(evidence(STEP, each) for each in (*known, script(), facts())))


def test_the_same_in_every_step() -> None:
    finding = the(HABIT, evidence(STEP, script(noted=(copy(line=9), copy(seconds=19e-5, line=7)))))
    assert finding.share == pytest.approx(0.5) and finding.floor == 0 and finding.site == "train.py:9"
    assert finding.title.endswith("of a step copies the same 4 kB to cuda again.")
    assert the(HABIT, evidence(EMPTY, script(noted=(copy(),)))).floor is None
