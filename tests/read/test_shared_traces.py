"""Real recordings of other projects, with the answers that they must give; skipped where they are absent."""

from __future__ import annotations

import pytest

from shared_traces import FOLDER, absent
from unslow.core.finding import Evidence, Finding
from unslow.core.profile import Profile
from unslow.habits import diagnose
from unslow.read import facts_of, read
from unslow.verbs._recorded import ELSEWHERE

POINT = 0.01

pytestmark = absent


def seen(name: str) -> tuple[Profile, list[Finding]]:
    profile = read(FOLDER / name)
    return profile, diagnose(Evidence(profile, facts_of(profile), ELSEWHERE))


def idle(profile: Profile) -> float:
    return 1 - max(profile.devices, key=lambda device: device.share()).share()


def test_a_loader_in_the_main_process() -> None:
    profile, findings = seen("kineto_resnet50_nw0.json.gz")
    assert len(profile.steps) == 6 and sum(profile.shares.values()) == pytest.approx(1)
    first = findings[0]
    assert first.habit == "loader-in-main-process"
    assert 0.334 - POINT <= first.share <= 0.339 + POINT and first.ceiling == pytest.approx(1.505, abs=0.02)
    assert 0.43 - POINT <= idle(profile) <= 0.44 + POINT
    found = {finding.habit: finding for finding in findings}
    assert found["pageable-copies"].evidence["copies"] == 12
    fills = found["gradients-zeroed-by-fill"].evidence
    assert fills["fills"] == 978  # of 996; the others are on the host
    assert fills["fills_in_zero_grad"] == 6 * 161  # of every parameter, in each step


def test_the_same_with_workers_has_no_finding_about_data() -> None:
    profile, findings = seen("kineto_resnet50_nw4.json.gz")
    assert profile.shares["data"] == pytest.approx(0.008, abs=POINT)
    assert not {"loader-in-main-process", "too-few-loader-workers", "input-bound"} & {found.habit for found in findings}


def test_small_kernels_on_a_large_device() -> None:
    profile, findings = seen("tracelens_h100_falconsai_vit.json.gz")
    (device,) = profile.devices
    assert findings[0].habit == "launch-bound" and findings[0].evidence["kernels"] == 154
    assert device.window_ns == pytest.approx(7.560e6, rel=0.001)
    assert device.share() == pytest.approx(0.1621, abs=POINT) and idle(profile) == pytest.approx(0.8379, abs=POINT)
    assert float(findings[0].evidence["short_kernels_share"]) == pytest.approx(0.75, abs=0.02)


def test_weights_that_are_copied_for_every_use() -> None:
    profile, findings = seen("nsysai_h100_2gpu_offload.sqlite")
    first = findings[0]
    assert first.habit == "copies-dominate" and "pageable-copies" not in {found.habit for found in findings}
    assert first.evidence["host-to-device (pinned)_bytes"] == pytest.approx(25.5e9, rel=0.01)
    assert len(profile.devices) == 2
    for device in profile.devices:
        copied = device.share(lambda one: one.details.get("memory") == "pinned" and one.duration_ns > 0)
        assert copied * device.window_ns == pytest.approx(921e6, rel=0.01)


def test_a_recording_from_which_kernels_are_missing() -> None:
    profile, findings = seen("tf_bert_gpu_multiworker.xplane.pb")
    devices = {device.name: device for device in profile.devices}
    assert devices["GPU 4"].window_ns == pytest.approx(19.87e6, rel=0.001)
    assert devices["GPU 6"].window_ns == pytest.approx(21.31e6, rel=0.001)
    kernels = {
        name: device.share(lambda one: one.kind == "kernel") * device.window_ns for name, device in devices.items()
    }
    assert kernels["GPU 4"] == pytest.approx(14.83e6, rel=0.001) and kernels["GPU 6"] == pytest.approx(
        14.87e6, rel=0.001
    )
    assert {device.capability for device in profile.devices} == {(7, 0)}
    assert any("looks incomplete" in note for note in profile.notes)
    assert findings[0].habit == "uncompiled-graph"
    assert "matrix-units-unused" not in {found.habit for found in findings}
