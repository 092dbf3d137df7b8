from __future__ import annotations

from dataclasses import replace

import pytest

from handmade import EMPTY, evidence, found, in_a_row, noted, phase, script, step, the
from unslow.core.script import Noted
from unslow.habits.arrays_stacked_slowly import HABIT

STEP = step(phase("data", 60, "data"), phase("forward", 30))


def stacked(seconds: float, times: int = 19, line: int = 3) -> Noted:
    """A call a step, which makes 2 kB."""
    known = noted("arrays", line=line, call="tensor", bytes=2_000, why_not_stacked="")
    return replace(known, times_in_steps=times, seconds_in_steps=seconds)


def test_no_tensor_is_made_of_arrays() -> None:
    assert not found(HABIT, evidence(STEP, script()), evidence(STEP))


def test_what_takes_no_time_or_no_step() -> None:
    quick, once = stacked(19 * 0.5e-6), stacked(0.0, times=0)
    assert not found(HABIT, *(evidence(STEP, script(noted=(call,))) for call in (quick, once)))
    assert not found(HABIT, evidence(EMPTY, script(noted=(stacked(19 * 40e-6),))))


def test_lists_of_arrays_in_every_step() -> None:
    calls = stacked(19 * 10e-6, line=2), stacked(19 * 40e-6)
    finding = the(HABIT, evidence(STEP, script(noted=calls)))
    assert finding.share == pytest.approx(0.5) and finding.floor == pytest.approx(2 * 0.2e-6 / 50e-6)
    assert finding.site == "train.py:3" and "40 µs" in finding.title


def test_what_does_not_fit_into_a_cache_is_copied_more_slowly() -> None:
    large = replace(stacked(19 * 50e-6), details={"call": "tensor", "bytes": 1_000_000, "why_not_stacked": ""})
    assert the(HABIT, evidence(STEP, script(noted=(large,)))).floor == 1.0  # At 2 GB/s, half a millisecond.


def test_calls_are_held_against_the_steps_in_which_they_were_noted() -> None:
    """How fast the machine is drifts: these steps took twice as long as those that were recorded."""
    drifted = replace(script(noted=(stacked(19 * 100e-6),)).script, noted_s=19 * 200e-6)
    finding = the(HABIT, evidence(STEP, replace(script(), script=drifted)))
    assert finding.share == pytest.approx(0.5)


@pytest.mark.parametrize(("quick_us", "slow_us", "expected"), [(100, 100, 1.0), (95.5, 101, 0.925), (64, 108, 0.8)])
def test_the_rest_counts_as_in_the_quickest_steps(quick_us: float, slow_us: float, expected: float) -> None:
    """By a fifth at most: what differs more are steps of another size."""
    one_by_one = [step(phase("data", 50, "data"), us=us) for us in (quick_us, quick_us, *[slow_us] * 9)]
    finding = the(HABIT, evidence(in_a_row(*one_by_one), script(noted=(stacked(19 * 40e-6),))))
    assert finding.rest_at_best == pytest.approx(expected, abs=0.001)
