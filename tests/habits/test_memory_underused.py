from __future__ import annotations

from dataclasses import replace

import pytest
from made_devices import BUSY, LARGE, SMALL, profile

from handmade import EMPTY, evidence, found, the
from unslow.core.finding import Evidence
from unslow.core.profile import Profile
from unslow.habits import launch_bound
from unslow.habits.memory_underused import HABIT


def using(seen: Profile, peak_bytes: int, memory_bytes: int = 80_000) -> Evidence:
    devices = tuple(replace(device, peak_bytes=peak_bytes, memory_bytes=memory_bytes) for device in seen.devices)
    return evidence(replace(seen, devices=devices))


def test_memory_that_is_not_known() -> None:
    small = profile(*SMALL)
    assert not found(HABIT, evidence(EMPTY), evidence(small), using(small, 0), using(small, 100, 0))


def test_memory_that_is_used() -> None:
    assert not found(HABIT, using(profile(*SMALL), 40_000))


def test_a_device_that_is_busy_or_waits_for_data() -> None:
    waits = profile(*(replace(one, start_ns=one.start_ns // 2, end_ns=one.end_ns) for one in LARGE), loading_us=900)
    assert not found(HABIT, using(profile(*BUSY), 8_000), using(waits, 8_000))


def test_small_batches_on_an_empty_device() -> None:
    case = using(profile(*SMALL), 8_000)
    finding = the(HABIT, case)
    assert finding.floor == pytest.approx(0.1) and finding.share == pytest.approx(the(launch_bound.HABIT, case).share)
    assert "8 kB of its 80 kB" in finding.title and "10 times" in finding.advice
