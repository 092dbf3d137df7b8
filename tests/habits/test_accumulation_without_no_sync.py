from __future__ import annotations

import pytest

from handmade import EMPTY, evidence, facts, found, noted, phase, script, step, the
from unslow.core.script import Noted
from unslow.habits.accumulation_without_no_sync import HABIT

STEP = step(phase("forward", 30), phase("backward", 60))


def ddp(exchanges: int, steps: int = 10, line: int = 3) -> Noted:
    return noted("ddp", line=line, exchanges=exchanges, steps=steps, world=4)


def test_near_misses() -> None:
    known = [script(noted=(each,)) for each in (ddp(10), ddp(0), ddp(14), ddp(8, steps=2))]
    assert not found(HABIT, *(evidence(STEP, each) for each in (*known, script(), facts())))
    assert not found(HABIT, evidence(step(phase("data", 99, "data")), script(noted=(ddp(40),))))


def test_four_exchanges_a_step() -> None:
    finding = the(HABIT, evidence(STEP, script(noted=(ddp(20), ddp(40, line=5)))))
    assert finding.share == pytest.approx(0.6 * 0.75) and finding.ceiling is None and finding.site == "train.py:5"
    assert "exchanged 4 times" in finding.title and finding.evidence["processes"] == 4
    assert the(HABIT, evidence(EMPTY, script(noted=(ddp(40),)))).title.endswith("once would do.")


def test_the_backward_pass_is_named() -> None:
    backward = noted("gradient", line=12, times=40, call="backward")
    assert the(HABIT, evidence(STEP, script(noted=(ddp(40), backward)))).site == "train.py:12"
