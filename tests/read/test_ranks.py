"""A folder with a recording of each rank."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import traces
from traces import op, step
from unslow.core.errors import BadInput
from unslow.core.finding import Evidence
from unslow.habits import diagnose
from unslow.read import facts_of, read, recordings_in
from unslow.verbs._recorded import ELSEWHERE, recording_of

STEP_US = 1000


def on_device(name: str, ts: float, dur: float, cat: str = "kernel", device: int = 0) -> traces.Event:
    return {**op(name, ts, dur, cat, tid=7, device=device, stream=7), "pid": device}


def rank(
    folder: Path,
    number: int | None,
    computing_us: float,
    name: str = "",
    at_us: float = 0,
    steps: range = range(3),
    world: int = 2,
) -> Path:
    """A recording of some steps: each computes, then exchanges until its end. The clock begins `at_us`."""
    events: list[Any] = []
    for place in steps:
        start = at_us + STEP_US * place
        events += [
            step(place, start, STEP_US),
            on_device("gemm", start, computing_us, device=number or 0),
            on_device("ncclDevKernel_AllReduce", start + computing_us, STEP_US - computing_us, device=number or 0),
        ]
    said = {} if number is None else {"distributedInfo": {"backend": "nccl", "rank": number, "world_size": world}}
    return traces.kineto(folder / (name or f"worker{9 - (number or 0)}.pt.trace.json"), events, **said)


def test_a_folder_without_recordings(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing")
    (tmp_path / "deeper").mkdir()
    rank(tmp_path / "deeper", 0, 500)
    assert not recordings_in(tmp_path) and recording_of(str(tmp_path)) is None
    with pytest.raises(BadInput, match="no recording"):
        read(tmp_path)


def test_a_folder_with_one_recording_is_that_recording(tmp_path: Path) -> None:
    only = rank(tmp_path, 0, 500)
    assert recording_of(str(tmp_path)) == tmp_path and read(tmp_path) == read(only)


def test_recordings_of_several_kinds(tmp_path: Path) -> None:
    rank(tmp_path, 0, 500)
    traces.steps(tmp_path / "steps.json")
    with pytest.raises(BadInput, match="several kinds"):
        read(tmp_path)


def test_ranks_are_named_by_what_the_recordings_say(tmp_path: Path) -> None:
    rank(tmp_path, 0, 500)
    rank(tmp_path, 1, 900, at_us=50_000)
    profile = read(tmp_path)
    assert [device.name for device in profile.devices] == ["rank 0 GPU 0", "rank 1 GPU 1"]
    assert len(profile.steps) == 3 and any("2 ranks were read" in note for note in profile.notes)
    zero, one = profile.devices
    assert (zero.start_ns, zero.end_ns) == (one.start_ns, one.end_ns), "their clocks are brought together"
    assert one.activities[0].start_ns == zero.activities[0].start_ns


def test_one_that_comes_last_is_found(tmp_path: Path) -> None:
    rank(tmp_path, 0, 500)
    rank(tmp_path, 1, 900)
    profile = read(tmp_path)
    first = diagnose(Evidence(profile, facts_of(profile), ELSEWHERE))[0]
    assert first.habit == "straggler" and first.share == pytest.approx(0.4) and "rank 1 GPU 1" in first.title


def test_only_steps_that_all_have_recorded_are_compared(tmp_path: Path) -> None:
    rank(tmp_path, 0, 500, steps=range(4))
    rank(tmp_path, 1, 900, steps=range(2, 6), at_us=7_000)
    profile = read(tmp_path)
    assert [span.details["mark"] for span in profile.steps] == ["ProfilerStep#2", "ProfilerStep#3"]
    assert all(device.steps == 2 and device.window_ns == 2_000_000 for device in profile.devices)


def test_no_step_in_common(tmp_path: Path) -> None:
    rank(tmp_path, 0, 500, steps=range(2))
    rank(tmp_path, 1, 900, steps=range(4, 6))
    profile = read(tmp_path)
    assert len(profile.devices) == 2 and any("No step" in note for note in profile.notes)


def test_files_that_name_no_rank_go_by_their_names(tmp_path: Path) -> None:
    rank(tmp_path, None, 900, "b.json")
    rank(tmp_path, None, 500, "a.json")
    profile = read(tmp_path)
    assert [device.name for device in profile.devices] == ["rank 0 GPU 0", "rank 1 GPU 0"]
    assert any("do not name their rank" in note for note in profile.notes)


def test_several_recordings_of_a_rank_and_ranks_that_are_missing(tmp_path: Path) -> None:
    rank(tmp_path, 0, 500, "host.1.json", world=8)
    rank(tmp_path, 0, 700, "host.2.json", world=8)
    rank(tmp_path, 3, 900, "other.json", world=8)
    profile = read(tmp_path)
    assert [device.name for device in profile.devices] == ["rank 0 GPU 0", "rank 3 GPU 3"]
    assert profile.devices[0].activities[0].duration_ns == 700_000
    assert any("2 of 8 ranks" in note for note in profile.notes)
