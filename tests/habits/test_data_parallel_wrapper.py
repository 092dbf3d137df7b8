from __future__ import annotations

from dataclasses import replace

import made_devices
import pytest
from made_devices import US, activity

from handmade import EMPTY, evidence, found, noted, phase, script, step, the
from unslow.core.device import Activity, Device
from unslow.core.profile import Profile
from unslow.habits.data_parallel_wrapper import HABIT
from unslow.read._exposed import Going, profile_of_devices

STEP = step(phase("forward", 30), phase("backward", 50), source="script")


def recorded(*first: Activity, mark: str = "") -> Profile:
    """Two devices, of which the first did this too; the host was in `mark` in the first 400 µs."""
    work = activity(400, 600)
    devices = [Device("GPU 0", (*first, work), 0, 1000 * US), Device("GPU 1", (work,), 0, 1000 * US)]
    host = [Going("operator", mark, "framework", 0, 400 * US, {"op": mark})] if mark else []
    return profile_of_devices("kineto", devices, [("step", 0, 1000 * US)], host)


def test_no_wrapper() -> None:
    assert not found(HABIT, evidence(EMPTY), evidence(STEP, script()), evidence(recorded(mark="aten::gather")))


def test_on_one_device_or_none_it_only_calls_the_model() -> None:
    for devices in (0, 1):
        assert not found(HABIT, evidence(STEP, script(noted=(noted("data-parallel", devices=devices),))))
    alone = recorded(mark="DataParallel.forward")
    assert not found(HABIT, evidence(replace(alone, devices=alone.devices[:1])))


def test_exchanges_of_processes_of_their_own() -> None:
    profile = recorded(activity(0, 100, "communication"), mark="DistributedDataParallel.forward")
    assert not found(HABIT, evidence(profile), evidence(made_devices.ranks(500, 900)))


def test_in_a_script() -> None:
    finding = the(HABIT, evidence(STEP, script(noted=(noted("data-parallel", devices=4),))))
    assert finding.share == pytest.approx(0.8) and finding.floor is None and finding.site == "train.py:3"


def test_by_its_mark_in_a_recording() -> None:
    copied = activity(0, 100, "copy", direction="device-to-device", bytes=1000)
    finding = the(HABIT, evidence(recorded(copied, mark="DataParallel.forward")))
    assert finding.share == pytest.approx(0.4) and finding.evidence["devices"] == 2


def test_by_what_it_is_made_of() -> None:
    finding = the(HABIT, evidence(recorded(activity(0, 200, "communication", op="Broadcast"))))
    assert finding.share == pytest.approx(0.2)
