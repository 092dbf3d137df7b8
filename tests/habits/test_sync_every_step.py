from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from made_devices import synced

from handmade import evidence, found, noted, phase, script, step, the
from unslow.core.facts import Facts
from unslow.core.script import Noted
from unslow.habits.sync_every_step import HABIT

WAITING = step(phase("forward", 50), phase("sync", 30, "sync"))


def asked(times: int = 20, seconds: float = 6e-4, **details: Any) -> Noted:
    """A call in each of the 20 steps, 30 µs each."""
    known = {"call": "item", "device": "cuda", **details}
    return replace(noted("sync", **known), times_in_steps=times, seconds_in_steps=seconds)


def asking(*calls: Noted) -> Facts:
    return script(noted=calls)


def test_nothing_is_asked_for() -> None:
    assert not found(HABIT, evidence(WAITING, asking()), evidence(WAITING))


def test_what_takes_no_time() -> None:
    short = step(phase("forward", 90), phase("sync", 1, "sync"))
    assert not found(HABIT, evidence(short, asking(asked())))


def test_once_an_epoch() -> None:
    assert not found(HABIT, evidence(WAITING, asking(asked(times=2))))


def test_a_value_in_every_step() -> None:
    finding = the(HABIT, evidence(WAITING, asking(asked())))
    assert finding.share == pytest.approx(0.3) and finding.floor is None and finding.site == "train.py:3"


def test_what_no_phase_shows() -> None:
    branch = asked(call="bool", seconds=19 * 20e-6)
    finding = the(HABIT, evidence(step(phase("forward", 90)), asking(branch)))
    assert finding.share == pytest.approx(0.2) and finding.evidence["call"] == "bool"


def test_a_recording_in_which_the_device_is_waited_for_while_it_works() -> None:
    assert not found(HABIT, evidence(synced(1, 1)), evidence(synced(400, busy_us=1000)))


def test_a_recording_in_which_the_device_has_nothing_left_to_do() -> None:
    finding = the(HABIT, evidence(synced(60, 40)))
    assert finding.share == pytest.approx(0.1) and finding.evidence["calls_per_step"] == 2 and finding.floor is None
    assert "cudaStreamSynchronize" in finding.title
