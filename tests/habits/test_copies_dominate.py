from __future__ import annotations

from dataclasses import replace

import pytest
from made_devices import BUSY, PINNED, activity, profile

from handmade import EMPTY, evidence, found, the
from unslow.habits.copies_dominate import HABIT
from unslow.habits.pageable_copies import HABIT as PAGEABLE


def test_no_device_no_time_and_no_copies() -> None:
    assert not found(HABIT, evidence(EMPTY), evidence(replace(profile(*BUSY), devices=())), evidence(profile(*BUSY)))


def test_copies_behind_kernels_cost_nothing() -> None:
    hidden = [activity(0, 1000), activity(10, 900, "copy", **PINNED)]
    assert not found(HABIT, evidence(profile(*hidden)))


def test_copies_within_the_device_are_its_own_work() -> None:
    within = {**PINNED, "direction": "device-to-device", "memory": ""}
    assert not found(HABIT, evidence(profile(activity(0, 500, "copy", **within), activity(500, 500))))


def test_copies_that_are_waited_for() -> None:
    case = evidence(profile(activity(0, 600, "copy", **PINNED), activity(500, 500)))
    finding = the(HABIT, case)
    assert finding.share == pytest.approx(0.5) and finding.ceiling == pytest.approx(2.0)
    assert finding.evidence["copy_share"] == pytest.approx(0.6)
    assert finding.evidence["overlapped_copy_share"] == pytest.approx(0.1)
    assert "1.05 MB host-to-device (pinned)" in finding.title
    assert not found(PAGEABLE, case)


def test_from_memory_that_is_not_pinned() -> None:
    pageable = {**PINNED, "memory": "pageable"}
    finding = the(PAGEABLE, evidence(profile(activity(0, 100, "copy", **pageable), activity(100, 900))))
    assert finding.share == pytest.approx(0.1) and finding.evidence["copies"] == 1
