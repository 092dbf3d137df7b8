from __future__ import annotations

from dataclasses import replace

import pytest
from made_devices import BUSY, activity, profile

from handmade import EMPTY, evidence, found, the
from unslow.habits.communication_bound import HABIT


def test_no_device_no_time_and_no_communication() -> None:
    assert not found(HABIT, evidence(EMPTY), evidence(replace(profile(*BUSY), devices=())), evidence(profile(*BUSY)))


def test_what_is_hidden_behind_computing_costs_nothing() -> None:
    assert not found(HABIT, evidence(profile(activity(0, 1000), activity(100, 800, "communication"))))


def test_a_little_of_it() -> None:
    assert not found(HABIT, evidence(profile(activity(0, 950), activity(950, 50, "communication"))))


def test_what_is_waited_for() -> None:
    finding = the(HABIT, evidence(profile(activity(0, 700), activity(600, 400, "communication"))))
    assert finding.share == pytest.approx(0.3) and finding.ceiling == pytest.approx(1 / 0.7)
    assert finding.evidence["overlapped_part"] == pytest.approx(0.25)
