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


@pytest.mark.parametrize("direction", ["device-to-device", "peer-to-peer"])
def test_copies_between_devices_are_their_own_work(direction: str) -> None:
    within = {**PINNED, "direction": direction, "memory": ""}
    assert not found(HABIT, evidence(profile(activity(0, 500, "copy", **within), activity(500, 500))))


def test_copies_whose_direction_is_not_recorded() -> None:
    copied = activity(0, 500, "copy", bytes=1 << 20)
    assert the(HABIT, evidence(profile(copied, activity(500, 500)))).share == pytest.approx(0.5)


def test_copies_that_are_waited_for() -> None:
    case = evidence(profile(activity(0, 600, "copy", **PINNED), activity(500, 500)))
    finding = the(HABIT, case)
    assert finding.share == pytest.approx(0.5) and finding.ceiling == pytest.approx(2.0)
    assert finding.evidence["copy_share"] == pytest.approx(0.6)
    assert finding.evidence["overlapped_copy_share"] == pytest.approx(0.1)
    assert "1.05 MB host-to-device (pinned)" in finding.title
    assert not found(PAGEABLE, case)


def test_what_is_fetched_is_no_batch_that_could_be_pinned() -> None:
    pageable = {"memory": "pageable", "bytes": 4096}
    batch = activity(0, 1, "copy", direction="host-to-device", **pageable)
    fetched = activity(1, 200, "copy", direction="device-to-host", **pageable)
    assert not found(PAGEABLE, evidence(profile(batch, fetched, activity(201, 799))))


def test_from_memory_that_is_not_pinned() -> None:
    pageable = {**PINNED, "memory": "pageable"}
    finding = the(PAGEABLE, evidence(profile(activity(0, 100, "copy", **pageable), activity(100, 900))))
    assert finding.share == pytest.approx(0.1) and finding.evidence["copies"] == 1
