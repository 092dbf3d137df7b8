from __future__ import annotations

import pytest

from handmade import EMPTY, evidence, facts, found, noted, phase, script, step, the
from unslow.core.script import Noted
from unslow.habits.unused_parameter_search import HABIT

STEP = step(phase("forward", 30), phase("backward", 60))


def ddp(**changes: object) -> Noted:
    details = {"find_unused": True, "static": False, "looked_at": 20, "unused": 0, "world": 4}
    return noted("ddp", **{**details, **changes})


@pytest.mark.parametrize("change", [{"find_unused": False}, {"static": True}, {"looked_at": 2}, {"unused": 1}])
def test_near_misses(change: dict[str, object]) -> None:
    assert not found(HABIT, evidence(STEP, script(noted=(ddp(**change),))), evidence(STEP, script()), evidence(STEP))


def test_forward_is_too_short_to_matter() -> None:
    assert not found(HABIT, evidence(step(phase("data", 99, "data")), script(noted=(ddp(),))), evidence(EMPTY, facts()))


def test_a_search_that_finds_nothing() -> None:
    finding = the(HABIT, evidence(STEP, script(noted=(ddp(),))))
    assert finding.share == pytest.approx(0.3) and finding.ceiling is None and finding.site == "train.py:3"
    assert "in 20 steps there were none" in finding.title
    assert the(HABIT, evidence(EMPTY, script(noted=(ddp(),)))).share == 1.0
