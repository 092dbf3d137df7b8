from __future__ import annotations

from dataclasses import replace

import pytest
from made_devices import BUSY, LARGE, activity, copying, profile

from handmade import EMPTY, evidence, found, the
from unslow.habits._devices import waiting
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


def test_while_the_host_copies_for_it() -> None:
    """A call that moves pageable memory returns when it has; the device's part of it comes at the end."""
    staged = copying(400, activity(0, 400), activity(900, 100, "copy", direction="host-to-device"))
    why = waiting(evidence(staged), staged.devices[0])
    assert why.asking == pytest.approx(0.4) and why.late == pytest.approx(0.1) and why.idle == pytest.approx(0.5)


def test_beside_a_loader() -> None:
    finding = the(HABIT, evidence(profile(activity(300, 100), activity(600, 100), loading_us=300)))
    assert finding.share == pytest.approx(0.5) and finding.evidence["loading_share"] == pytest.approx(0.3)
    assert "30 % of it waiting for a batch" in finding.title
