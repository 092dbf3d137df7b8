from __future__ import annotations

from dataclasses import replace

import pytest
from made_devices import BUSY, LARGE, activity, profile

from handmade import EMPTY, evidence, found, the
from unslow.habits.device_idle import HABIT


def test_no_device_or_no_time() -> None:
    assert not found(HABIT, evidence(EMPTY), evidence(replace(profile(*LARGE), devices=())))


def test_a_busy_device_and_one_that_waits_for_a_batch() -> None:
    waits = profile(activity(600, 400), loading_us=600)
    assert not found(HABIT, evidence(profile(*BUSY)), evidence(waits))


def test_pauses_that_nothing_explains() -> None:
    finding = the(HABIT, evidence(profile(*LARGE)))
    assert finding.share == pytest.approx(0.5) and finding.floor is None
    assert finding.evidence["idle_share"] == pytest.approx(0.5)


def test_beside_a_loader() -> None:
    finding = the(HABIT, evidence(profile(activity(300, 100), activity(600, 100), loading_us=300)))
    assert finding.share == pytest.approx(0.5) and finding.evidence["loading_share"] == pytest.approx(0.3)
    assert "30 % of it waiting for a batch" in finding.title
