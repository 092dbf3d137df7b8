from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from handmade import EMPTY, evidence, facts, found, noted, op, script, step, the
from unslow.core.script import Noted
from unslow.habits.einsum_unplanned import HABIT

STEP = step(op("einsum", 80, ""))


def call(seconds: float = 19 * 40e-6, times: int = 19, **changes: Any) -> Noted:
    """19 calls of 40 µs, which could take 10 µs each."""
    details: dict[str, Any] = {
        "library": "numpy", "expression": "ij,jk,kl->il", "operands": 3, "shapes": [[40, 40]] * 3,
        "order": [[0, 1]] * 2, "multiplications": 7.68e6, "planned": 2.57e5, "tried_seconds": 40e-6,
        "planned_seconds": 10e-6,
    }  # fmt: skip
    return noted("einsum", times=times, seconds=seconds, **{**details, **changes})


def test_no_such_call_and_no_time() -> None:
    assert not found(HABIT, evidence(STEP, script()), evidence(STEP), evidence(EMPTY, script()))


def test_what_is_not_tried_and_what_a_plan_does_not_make_faster() -> None:
    untried = replace(call(), details={**call().details, "tried_seconds": 0.0, "planned_seconds": 0.0})
    calls = call(times=0), untried, call(planned_seconds=35e-6)
    assert not found(HABIT, *(evidence(STEP, script(noted=(one,))) for one in calls))


def test_what_takes_no_time() -> None:
    assert not found(HABIT, evidence(STEP, script(noted=(replace(call(), seconds_in_steps=19 * 0.5e-6),))))


def test_an_order_that_saves_pytorch_little() -> None:
    assert not found(HABIT, evidence(STEP, script(noted=(call(library="torch", multiplications=4e5),))))


def test_in_every_step_of_a_script() -> None:
    finding = the(HABIT, evidence(STEP, script(noted=(call(),))))
    assert finding.share == pytest.approx(0.4) and finding.floor == pytest.approx(0.25)
    assert finding.ceiling == pytest.approx(1 / (1 - 0.4 * 0.75)) and finding.site == "train.py:3"


def test_where_the_recording_is_not_trusted_nothing_is_promised() -> None:
    known = facts(
        "function", noted=(call(times=10, seconds=10 * 80e-6),), noted_requests=10, seconds_per_request=100e-6
    )
    finding = the(HABIT, evidence(EMPTY, known))
    assert finding.share == pytest.approx(0.8) and finding.ceiling is None


def test_in_every_request_of_a_function() -> None:
    known = facts("function", noted=(call(times=10, seconds=10 * 80e-6, library="torch"),), noted_requests=10)
    finding = the(HABIT, evidence(STEP, known))
    assert finding.share == pytest.approx(0.8) and "opt_einsum" in finding.advice


def test_two_operands_in_one_loop() -> None:
    two = call(expression="ij,jk->ik", operands=2, multiplications=1.6e7, planned=1.6e7, planned_seconds=2e-6)
    assert the(HABIT, evidence(STEP, script(noted=(two,)))).floor == pytest.approx(0.05)
