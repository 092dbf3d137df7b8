from __future__ import annotations

from dataclasses import replace

import pytest
from made_devices import BUSY, LARGE, SMALL, activity, profile

from handmade import EMPTY, evidence, found, the
from unslow.habits.device_idle import HABIT as IDLE
from unslow.habits.launch_bound import HABIT
from unslow.habits.python_bound import HABIT as PYTHON


def test_no_device_or_no_time() -> None:
    assert not found(HABIT, evidence(EMPTY), evidence(replace(profile(*SMALL), devices=())))


def test_a_busy_device() -> None:
    assert not found(HABIT, evidence(profile(*BUSY)))


def test_large_kernels_with_pauses_are_another_habit() -> None:
    assert not found(HABIT, evidence(profile(*LARGE))) and found(IDLE, evidence(profile(*LARGE)))


def test_what_was_launched_before_the_device_was_free_is_not_the_hosts_fault() -> None:
    queued = evidence(profile(*[activity(20 * n, 5, late_us=20) for n in range(1, 50)]))
    assert not found(HABIT, queued) and found(IDLE, queued)


def test_nor_is_a_loader_that_is_waited_for() -> None:
    waits = evidence(profile(*[activity(900 + 2 * n, 2) for n in range(50)], loading_us=900))
    assert not found(HABIT, waits) and not found(IDLE, waits)


def test_small_kernels_that_come_one_by_one() -> None:
    finding = the(HABIT, evidence(profile(*SMALL)))
    assert finding.share == pytest.approx(0.75 * 14 / 15, abs=0.03) and finding.floor == 0.0
    assert finding.evidence["kernels"] == 50 and finding.evidence["short_kernels_share"] == 1.0
    assert not found(IDLE, evidence(profile(*SMALL)))  # said once
    assert not found(PYTHON, evidence(profile(*SMALL)))


def test_launches_that_were_not_recorded_count_as_late() -> None:
    unknown = [replace(one, launched_ns=-1) for one in SMALL]
    assert the(HABIT, evidence(profile(*unknown))).share == pytest.approx(0.75, abs=0.01)
