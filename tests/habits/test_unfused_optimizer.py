from __future__ import annotations

import pytest

from handmade import evidence, found, noted, phase, script, step, the
from unslow.core.facts import Facts
from unslow.habits.unfused_optimizer import HABIT

STEP = step(phase("forward", 50), phase("optimizer", 30))


def made(**details: object) -> Facts:
    plain = {"class": "Adam", "module": "torch.optim.adam", "tensors": 6, "can_be_fused": True, "fused": False}
    return script(noted=(noted("optimizer", **{**plain, **details}),))


def test_an_optimizer_that_is_fused_or_cannot_be() -> None:
    assert not found(HABIT, evidence(STEP, made(fused=True)), evidence(STEP, made(can_be_fused=False)))


def test_one_of_no_account() -> None:
    assert not found(HABIT, evidence(step(phase("forward", 90), phase("optimizer", 0.4)), made()), evidence(STEP))


def test_one_that_is_not() -> None:
    finding = the(HABIT, evidence(STEP, made()))
    assert (
        finding.share == pytest.approx(0.3) and finding.floor is None and "Adam updates 6 parameters" in finding.title
    )
