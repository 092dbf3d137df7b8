"""XSpace files of TensorFlow and XLA."""

from __future__ import annotations

from pathlib import Path

import pytest
from made_xplane import COPY, GEMM, HOST, PHILOX, STREAM, device, event, line, message, named, number, plane

from unslow.core.errors import BadInput
from unslow.core.profile import Profile
from unslow.habits import abstention
from unslow.read import facts_of, read


def profile_of(tmp_path: Path, *planes: bytes) -> Profile:
    (tmp_path / "t.xplane.pb").write_bytes(b"".join(planes))
    return read(tmp_path / "t.xplane.pb")


def test_a_recording_of_the_host_alone(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="nothing that a device did"):
        profile_of(tmp_path, HOST)


def test_bytes_that_are_no_message(tmp_path: Path) -> None:
    with pytest.raises(BadInput):
        profile_of(tmp_path, HOST, device(STREAM)[:-3])


def test_a_duration_that_is_negative(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="an event from"):
        profile_of(tmp_path, device(line("Stream", event(1, 10, -5))))


def test_a_device_without_steps(tmp_path: Path) -> None:
    profile = profile_of(tmp_path, HOST, device(STREAM))
    assert profile.source == "xplane" and profile.wall_ns == 70
    assert profile.shares["compute"] == pytest.approx(4 / 7) and profile.shares["transfer"] == pytest.approx(2 / 7)
    assert profile.shares["framework"] == pytest.approx(1 / 7)
    assert any("Nothing marks the steps" in note for note in profile.notes)


def test_steps_and_operators_are_lines_of_their_own(tmp_path: Path) -> None:
    lines = [STREAM, line("Steps", event(3, 0, 100)), line("TensorFlow Ops", event(4, 10, 40))]
    profile = profile_of(tmp_path, device(*lines, names=(GEMM, COPY, "0", "layer/MatMul:MatMul")))
    (step,) = profile.steps
    assert step.duration_ns == 100 and profile.devices[0].steps == 1
    assert profile.devices[0].name == "GPU 4" and len(profile.devices[0].activities) == 2
    assert profile.devices[0].activities[0].details["tf_op"] == "layer/MatMul:MatMul"
    assert facts_of(profile).framework == "tensorflow"


def test_steps_that_only_the_host_has_marked(tmp_path: Path) -> None:
    stats = named(5, ["step_num", "_r"])
    marked = [message(4, number(1, 1), number(3, n)) + message(4, number(1, 2), number(3, 1)) for n in (7, 8)]
    host = plane(
        "/host:CPU",
        named(4, ["train"]),
        stats,
        line("python3", event(1, 0, 55, marked[0]), event(1, 55, 45, marked[1]), event(1, 500, 10, marked[1])),
    )
    profile = profile_of(tmp_path, host, device(STREAM))
    assert [step.details["mark"] for step in profile.steps] == ["train 7", "train 8"] and not profile.notes
    assert profile.devices[0].steps == 2 and profile.wall_ns == 100


def test_a_launch_is_found_by_its_correlation(tmp_path: Path) -> None:
    correlated = message(4, number(1, 1), number(3, 77))
    host = plane("/host:CPU", named(4, ["Launch"]), named(5, ["correlation_id"]), line("t", event(1, 5, 2, correlated)))
    work = device(named(5, ["correlation_id"]), line("Stream", event(1, 10, 40, correlated)))
    assert profile_of(tmp_path, host, work).devices[0].activities[0].launched_ns == 1005


def test_data_that_other_threads_fetch_ahead_is_not_waited_for(tmp_path: Path) -> None:
    names = named(4, ["IteratorGetNext"])
    ahead = plane("/host:CPU", names, line("tf_data_private_threadpool/1", event(1, 0, 60)))
    assert profile_of(tmp_path, ahead, device(STREAM)).shares["data"] == 0


@pytest.mark.parametrize("thread", ["python3", "tf_data_iterator_get_next/812"])
def test_a_batch_that_a_step_waits_for(thread: str, tmp_path: Path) -> None:
    names = named(4, ["IteratorGetNextOp::DoCompute", "tf_data_optimize"])
    waited = plane("/host:CPU", names, line(thread, event(1, 0, 60)))
    assert profile_of(tmp_path, waited, device(STREAM)).shares["data"] == pytest.approx(1 / 7)


def test_the_line_of_xla_repeats_some_of_a_gpu_s_kernels(tmp_path: Path) -> None:
    again = line("XLA Ops", event(1, 10, 40))
    (gpu,) = profile_of(tmp_path, device(STREAM, again, line("Launch Stats", event(1, 0, 90)))).devices
    assert [one.stream for one in gpu.activities] == ["Stream #7(Compute)"] * 2
    (alone,) = profile_of(tmp_path, device(again)).devices
    assert len(alone.activities) == 1
    tpu = plane(
        "/device:TPU:0", named(4, ["fusion.1", "copy.5"]), line("XLA Ops", event(1, 0, 9), event(2, 9, 9)), STREAM
    )
    (device_of,) = profile_of(tmp_path, tpu).devices
    assert [one.stream for one in device_of.activities] == ["XLA Ops"] * 2
    assert device_of.activities[1].details["direction"] == "device-to-device"


@pytest.mark.parametrize("kernel, looks_incomplete", [(GEMM, False), (PHILOX, True)])
def test_layers_that_multiply_without_a_product_among_the_kernels(
    tmp_path: Path, kernel: str, looks_incomplete: bool
) -> None:
    host = plane("/host:CPU", named(4, ["layer_0/self_attention/query/einsum"]), line("python3", event(1, 0, 100)))
    notes = profile_of(tmp_path, host, device(STREAM, names=(kernel, COPY))).notes
    assert any("looks incomplete" in note for note in notes) == looks_incomplete


def launches(recorded: int) -> list[bytes]:
    """40 of a kernel on the host, and the device's records of the first of them."""

    def numbered(n: int, start_ns: int) -> bytes:
        return event(1, start_ns, 5, message(4, number(1, 1), number(3, n)))

    stats = named(5, ["correlation_id"])
    host = plane("/host:CPU", named(4, [GEMM]), stats, line("python3", *(numbered(n, 10 * n) for n in range(1, 41))))
    return [host, device(line("Stream", *(numbered(n, 10 * n + 4) for n in range(1, recorded + 1))), stats)]


def test_kernels_that_are_all_there(tmp_path: Path) -> None:
    assert profile_of(tmp_path, *launches(40)).lost == 0


def test_a_call_that_waits_for_the_device_launches_nothing(tmp_path: Path) -> None:
    host, work = launches(40)
    waits = [event(1, 10 * n + 3, 5, message(4, number(1, 1), number(3, 100 + n))) for n in range(40)]
    stats = named(5, ["correlation_id"])
    synced = plane("/host:CPU", named(4, ["cuStreamSynchronize"]), stats, line("driver", *waits))
    assert profile_of(tmp_path, host, synced, work).lost == 0
    by_call = plane("/host:CPU", named(4, ["cuLaunchKernel"]), stats, line("driver", *waits))
    assert profile_of(tmp_path, host, by_call, work).lost > 0


def test_kernels_whose_records_were_dropped(tmp_path: Path) -> None:
    profile = profile_of(tmp_path, *launches(30))
    assert profile.lost == pytest.approx(0.25) and abstention(profile) is not None


def test_what_the_recorder_has_to_say(tmp_path: Path) -> None:
    profile = profile_of(tmp_path, device(STREAM), message(3, "12 events were\ndropped."), message(2, "No GPU 3."))
    assert [note for note in profile.notes if note.startswith("The recorder")] == [
        "The recorder says of this recording: 12 events were dropped.",
        "The recorder says of this recording: No GPU 3.",
    ]
