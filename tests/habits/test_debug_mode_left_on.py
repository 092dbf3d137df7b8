from __future__ import annotations

import pytest

from handmade import EMPTY, evidence, found, noted, phase, script, step, the
from unslow.habits.debug_mode_left_on import HABIT

ON = script(noted=(noted("anomaly", call="set_detect_anomaly", positional=True),))
STEP = step(phase("forward", 30), phase("backward", 40), phase("optimizer", 10))


def test_it_is_off() -> None:
    assert not found(HABIT, evidence(STEP, script()), evidence(STEP))


def test_it_was_on_before_the_steps() -> None:
    over = script(noted=(noted("anomaly", call="detect_anomaly", positional=False, over=True, times_in_steps=0),))
    assert not found(HABIT, evidence(STEP, over))


def test_it_is_on() -> None:
    finding = the(HABIT, evidence(STEP, ON))
    assert finding.share == pytest.approx(0.7) and finding.floor is None and finding.site == "train.py:3"


def test_the_call_alone_proves_it() -> None:
    assert the(HABIT, evidence(EMPTY, ON)).floor is None
