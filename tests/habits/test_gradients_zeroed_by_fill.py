from __future__ import annotations

import pytest

from handmade import evidence, found, noted, phase, script, step, the
from unslow.habits.gradients_zeroed_by_fill import HABIT

FILLS = script(noted=(noted("fill", positional=False),))


def test_gradients_are_dropped() -> None:
    assert not found(HABIT, evidence(step(phase("zero-grad", 20)), script()), evidence(step(phase("zero-grad", 20))))


def test_filling_them_costs_nothing() -> None:
    assert not found(HABIT, evidence(step(phase("forward", 90), phase("zero-grad", 0.5)), FILLS))


def test_they_are_filled() -> None:
    finding = the(HABIT, evidence(step(phase("forward", 50), phase("zero-grad", 20)), FILLS))
    assert finding.share == pytest.approx(0.2) and finding.site == "train.py:3"
