from __future__ import annotations

import pytest

from handmade import evidence, found, noted, op, phase, script, step, the
from unslow.habits.gradients_zeroed_by_fill import HABIT

FILLS = script(noted=(noted("fill", positional=False),))


def test_gradients_are_dropped() -> None:
    assert not found(HABIT, evidence(step(phase("zero-grad", 20)), script()), evidence(step(phase("zero-grad", 20))))


def test_filling_them_costs_nothing() -> None:
    assert not found(HABIT, evidence(step(phase("forward", 90), phase("zero-grad", 0.5)), FILLS))


def test_what_is_added_elsewhere_is_no_gradient() -> None:
    added = op("aten::add_", 30, op="aten::add_")
    forward = step(phase("forward", 50, calls=(added,)), phase("backward", 20), phase("zero-grad", 20))
    assert the(HABIT, evidence(forward, FILLS)).share == pytest.approx(0.2)
    assert not found(HABIT, evidence(step(phase("backward", 50, calls=(added,))), FILLS))


def test_what_is_added_to_gradients_that_are_there() -> None:
    backward = phase("backward", 50, calls=(op("aten::add_", 30, op="aten::add_"), op("aten::mm", 10, op="aten::mm")))
    finding = the(HABIT, evidence(step(backward, phase("zero-grad", 20)), FILLS))
    assert finding.share == pytest.approx(0.5) and finding.evidence["added_to_share"] == pytest.approx(0.3)


def test_they_are_filled() -> None:
    finding = the(HABIT, evidence(step(phase("forward", 50), phase("zero-grad", 20)), FILLS))
    assert finding.share == pytest.approx(0.2) and finding.site == "train.py:3"
