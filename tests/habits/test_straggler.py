from __future__ import annotations

from dataclasses import replace

import pytest
from made_devices import in_turn, ranks

from handmade import EMPTY, evidence, found, the
from unslow.habits import communication_bound
from unslow.habits.straggler import HABIT


def test_no_device_or_a_single_one() -> None:
    assert not found(HABIT, evidence(EMPTY), evidence(ranks(900)))


def test_devices_that_exchange_nothing_do_not_wait_for_each_other() -> None:
    profile = ranks(500, 900)
    alone = [replace(device, activities=device.activities[:1]) for device in profile.devices]
    assert not found(HABIT, evidence(replace(profile, devices=tuple(alone))))


def test_devices_that_take_as_long_as_each_other() -> None:
    assert not found(HABIT, evidence(ranks(800, 820, 830)))


def test_exchanges_that_hide_behind_computing() -> None:
    assert not found(HABIT, evidence(ranks(500, 900, hidden=True)))


def test_one_that_computes_longer() -> None:
    case = evidence(ranks(600, 900, 700))
    finding = the(HABIT, case)
    assert finding.share == pytest.approx(0.25) and finding.ceiling == pytest.approx(1 / 0.75)
    assert "GPU 1 comes last" in finding.title and "computes" in finding.title
    assert finding.evidence["exposed_communication_share (GPU 0)"] == pytest.approx(0.4)


def test_what_is_waited_for_it_is_no_slow_connection() -> None:
    assert not found(communication_bound.HABIT, evidence(ranks(600, 950)))
    finding = the(communication_bound.HABIT, evidence(ranks(600, 800)))
    assert finding.share == pytest.approx(0.2)


def test_one_whose_host_is_late() -> None:
    finding = the(HABIT, evidence(ranks(600, 600, 600, idle_us=300)))
    assert finding.share == pytest.approx(0.3) and "GPU 2" in finding.title and "idles" in finding.title


def test_another_one_in_each_step() -> None:
    finding = the(HABIT, evidence(in_turn(600, 900)))
    assert finding.share == pytest.approx(0.3) and "Another device" in finding.title
    assert finding.evidence["part_by_the_same_device"] == pytest.approx(0.5) and "length" in finding.advice
    assert not found(communication_bound.HABIT, evidence(in_turn(600, 950)))
