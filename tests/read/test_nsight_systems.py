"""Exports of Nsight Systems, of which any table may be missing."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from made_nsight import COPIES, COPY, KERNEL, KERNELS, MEMORY, STRINGS, WAYS, Tables, export

from unslow.core.errors import BadInput
from unslow.core.profile import Profile
from unslow.habits import abstention
from unslow.read import read


def profile_of(tmp_path: Path, tables: Tables) -> Profile:
    return read(export(tmp_path / "t.sqlite", tables))


def test_a_database_of_somebody_else_s(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no export of Nsight Systems") as raised:
        profile_of(tmp_path, {"songs": [{"id": 1, "title": "Blue"}]})
    assert "nsys export --type sqlite" in raised.value.todo


def test_nothing_that_a_gpu_did(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="nothing that a GPU did"):
        profile_of(tmp_path, {"NVTX_EVENTS": [{"start": 1, "end": 2, "text": "x"}]})


def test_a_kernel_that_ends_before_it_starts(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="a kernel from 100 to 50"):
        profile_of(tmp_path, {KERNELS: [{**KERNEL, "end": 50}]})


def test_a_kernel_alone_is_enough(tmp_path: Path) -> None:
    profile = profile_of(tmp_path, {KERNELS: [KERNEL]})
    assert profile.shares["compute"] == 1.0 and profile.wall_ns == 100
    assert profile.devices[0].activities[0].name == "string 1"


def test_a_graph_that_ran_as_a_whole_keeps_the_device_busy(tmp_path: Path) -> None:
    graph = {"start": 0, "end": 80, "deviceId": 0, "streamId": 7, "correlationId": 3, "graphId": 4}
    profile = profile_of(tmp_path, {"CUPTI_ACTIVITY_KIND_GRAPH_TRACE": [graph], KERNELS: [KERNEL]})
    assert [one.name for one in profile.devices[0].activities] == ["CUDA graph 4", "string 1"]
    assert profile.shares["compute"] == pytest.approx(0.9)
    assert any("--cuda-graph-trace=node" in note for note in profile.notes)


def test_the_same_number_of_a_request_in_two_processes(tmp_path: Path) -> None:
    first, second = 5 << 24, 6 << 24
    runtime = [
        {"start": start, "end": start + 5, "correlationId": 9, "nameId": 2, "globalTid": process + 77}
        for start, process in ((20, first), (60, second))
    ]
    kernels = [{**KERNEL, "globalPid": first}, {**KERNEL, "start": 210, "end": 220, "globalPid": second}]
    tables = {KERNELS: kernels, "CUPTI_ACTIVITY_KIND_RUNTIME": runtime, "StringIds": STRINGS}
    devices = profile_of(tmp_path, tables).devices
    assert [one.launched_ns for device in devices for one in device.activities] == [20, 60]


def ranks(behind: bool) -> Tables:
    """Two processes, which both call their GPU 0: the second one waits for its own while the first one's is idle."""
    first, second = 5 << 24, 6 << 24
    kernels = [
        {**KERNEL, "start": 0, "end": 60, "globalPid": first},
        {**KERNEL, "start": 0, "end": 45, "globalPid": second},
    ]
    runtime = [{"start": 55, "end": 100, "correlationId": 3, "nameId": 4, "globalTid": second + 77}]
    marks = [{"start": 0, "end": 100, "text": "step 1", "globalTid": process + 77} for process in (first, second)]
    marks.append({"start": 0, "end": 40, "text": "step 1", "globalTid": (7 << 24) + 1})
    strings = [{"id": 4, "value": "cudaStreamSynchronize_v3020"}]
    tables = {
        KERNELS: kernels, "CUPTI_ACTIVITY_KIND_RUNTIME": runtime, "NVTX_EVENTS": marks, "StringIds": strings,
        "TARGET_INFO_GPU": [{"id": 2, "name": "H100", "totalMemory": 8}, {"id": 3, "name": "A100", "totalMemory": 4}],
    }  # fmt: skip
    numbered = [{"pid": 5, "cudaId": 0, "gpuId": 2}, {"pid": 6, "cudaId": 0, "gpuId": 3}]
    return {**tables, "TARGET_INFO_CUDA_DEVICE": numbered} if behind else tables


@pytest.mark.parametrize("behind", [False, True])
def test_processes_that_count_their_devices_from_0(behind: bool, tmp_path: Path) -> None:
    profile = profile_of(tmp_path, ranks(behind))
    names = ["GPU 2", "GPU 3"] if behind else ["GPU 0 of process 5", "GPU 0 of process 6"]
    assert [device.name for device in profile.devices] == names
    assert [device.share() for device in profile.devices] == pytest.approx([0.6, 0.45])
    assert [device.model for device in profile.devices] == (["H100", "A100"] if behind else ["", ""])


def test_what_another_process_waits_for_does_not_explain_a_device(tmp_path: Path) -> None:
    profile = profile_of(tmp_path, ranks(behind=True))
    assert profile.shares["sync"] == 0 and profile.shares["idle"] == pytest.approx(0.4)
    assert len(profile.steps) == 1 and profile.wall_ns == 100


def test_two_processes_on_one_device_share_it(tmp_path: Path) -> None:
    tables = {**ranks(behind=True), "TARGET_INFO_CUDA_DEVICE": [{"pid": n, "cudaId": 0, "gpuId": 2} for n in (5, 6)]}
    profile = profile_of(tmp_path, tables)
    (device,) = profile.devices
    assert device.share() == pytest.approx(0.6) and profile.shares["sync"] == pytest.approx(0.4)


def test_what_a_number_means_is_read_from_the_file(tmp_path: Path) -> None:
    tables = {KERNELS: [KERNEL], COPIES: [COPY], "ENUM_CUDA_MEM_KIND": MEMORY, "ENUM_CUDA_MEMCPY_OPER": WAYS}
    _, copy = profile_of(tmp_path, tables).devices[0].activities
    assert copy.details == {"bytes": 4096, "direction": "host-to-device", "memory": "pageable"}


def test_launches_strings_and_marks(tmp_path: Path) -> None:
    runtime = [{"start": 20, "end": 60, "correlationId": 9, "nameId": 2}]
    marks = [
        {"start": 0, "end": 250, "text": None, "textId": 3},
        {"start": 5, "end": None, "text": "a mark", "textId": 1},
    ]
    tables = {KERNELS: [KERNEL], "CUPTI_ACTIVITY_KIND_RUNTIME": runtime, "NVTX_EVENTS": marks, "StringIds": STRINGS}
    profile = profile_of(tmp_path, tables)
    (kernel,) = profile.devices[0].activities
    assert (kernel.name, kernel.launched_ns, kernel.stream) == ("volta_sgemm", 20, "7")
    assert [span.name for span in profile.spans] == ["step", "cudaLaunchKernel", "volta_sgemm"]
    assert profile.shares["framework"] == pytest.approx(40 / 250) and not profile.notes
    assert profile.devices[0].steps == 1 and profile.devices[0].share() == pytest.approx(100 / 250)


def test_a_file_that_is_cut_off(tmp_path: Path) -> None:
    whole = export(tmp_path / "t.sqlite", {KERNELS: [KERNEL] * 500}).read_bytes()
    (tmp_path / "cut.sqlite").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BadInput):
        read(tmp_path / "cut.sqlite")


@pytest.mark.parametrize("name", ["r.nsys-rep", "r.qdrep"])
def test_a_report_gets_the_command_that_exports_it(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"anything")
    with pytest.raises(BadInput) as raised:
        read(tmp_path / name)
    assert f"nsys export --type sqlite --output r.sqlite {tmp_path / name}" in raised.value.todo


def test_an_error_of_sqlite_is_one_line(tmp_path: Path) -> None:
    """It quotes the file's own table, which has many."""
    path = export(tmp_path / "t.sqlite", {KERNELS: [KERNEL]})
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE other (\n    a INTEGER,\n    b INTEGER\n)")
        database.commit()
    path.write_bytes(path.read_bytes().replace(b"a INTEGER,", b"` INTEGER,"))
    with pytest.raises(BadInput) as caught:
        read(path)
    assert "malformed" in caught.value.what and "\n" not in caught.value.what


def launching(count: int, recorded: set[int], **more: str) -> Tables:
    """Launches, 10 ns apart, and the kernels of some."""
    strings = [*STRINGS, {"id": 4, "value": more.get("also", "cudaStreamSynchronize_v3020")}]
    calls = [{"start": 10 * n, "end": 10 * n + 2, "correlationId": n, "nameId": 2} for n in range(1, count + 1)]
    calls.append({"start": 0, "end": 2, "correlationId": count + 1, "nameId": 4})
    kernels = [{**KERNEL, "start": 10 * n + 3, "end": 10 * n + 8, "correlationId": n} for n in sorted(recorded)]
    return {KERNELS: kernels, "CUPTI_ACTIVITY_KIND_RUNTIME": calls, "StringIds": strings}


def test_a_stretch_of_a_longer_recording_has_lost_nothing(tmp_path: Path) -> None:
    assert profile_of(tmp_path, launching(60, set(range(20, 45)))).lost == 0


def test_what_a_graph_captures_is_not_run(tmp_path: Path) -> None:
    assert profile_of(tmp_path, launching(60, {1, 60}, also="cudaStreamBeginCapture_v10000")).lost == 0


def test_kernels_whose_records_were_dropped(tmp_path: Path) -> None:
    profile = profile_of(tmp_path, launching(60, {1, *range(3, 61, 3)}))
    assert profile.lost == pytest.approx(39 / 60)
    why = abstention(profile)
    assert why is not None and "65 % of the kernels" in why.reason


def test_what_the_recorder_says_of_its_holes(tmp_path: Path) -> None:
    levels = [{"id": 1, "name": "Info", "label": "Info"}, {"id": 2, "name": "Warning", "label": "Warning"}]
    said = [
        {"severity": 1, "text": "Number of CUDA events collected: 12, none lost."},
        {"severity": 2, "text": "Not all CUDA events\nmight have been collected."},
        {"severity": 2, "text": "Installed CUDA driver version is newer than known."},
    ]
    tables = {KERNELS: [KERNEL], "DIAGNOSTIC_EVENT": said, "ENUM_DIAGNOSTIC_SEVERITY_LEVEL": levels}
    notes = [note for note in profile_of(tmp_path, tables).notes if "Nsight Systems says" in note]
    assert notes == ["Nsight Systems says of this recording: Not all CUDA events might have been collected."]
