"""Recordings from which kernels are missing, and those that say what recording took."""

from __future__ import annotations

from pathlib import Path

import pytest

import traces
from traces import op, step
from unslow.core.finding import Evidence
from unslow.core.profile import Profile
from unslow.habits import abstention, diagnose
from unslow.read import facts_of, read
from unslow.verbs._recorded import ELSEWHERE


def launched(place: int, name: str = "cudaLaunchKernel") -> traces.Event:
    return op(name, 10 * place, 2, "cuda_runtime", correlation=place)


def kernel(place: int) -> traces.Event:
    return {**op("k", 10 * place + 3, 5, "kernel", tid=7, correlation=place, device=0, stream=7), "pid": 0}


def profile_of(tmp_path: Path, *events: traces.Event) -> Profile:
    mark = step(0, 0, 1000)
    return read(traces.kineto(tmp_path / "t.json", [mark, op("aten::mm", 0, 900), *events]))


def test_all_kernels_are_there(tmp_path: Path) -> None:
    others = [op("cudaStreamSynchronize", 950, 9, "cuda_runtime", correlation=99), launched(98, "cudaGraphLaunch")]
    profile = profile_of(tmp_path, *map(launched, range(40)), *map(kernel, range(40)), *others)
    assert profile.lost == 0 and profile.distortion is None and abstention(profile) is None


def test_launches_that_a_graph_captures_are_not_run(tmp_path: Path) -> None:
    begins = op("cudaStreamBeginCapture", 1, 1, "cuda_runtime", correlation=98)
    assert profile_of(tmp_path, begins, *map(launched, range(40)), *map(kernel, range(10))).lost == 0


def test_a_few_launches_say_nothing(tmp_path: Path) -> None:
    assert profile_of(tmp_path, launched(1), launched(2), kernel(1)).lost == 0


def test_records_that_were_dropped(tmp_path: Path) -> None:
    profile = profile_of(tmp_path, *map(launched, range(40)), *map(kernel, range(30)))
    assert profile.lost == pytest.approx(0.25)
    why = abstention(profile)
    assert why is not None and "25 % of the kernels" in why.reason and "prof.step()" in why.advice
    assert not [one for one in diagnose(Evidence(profile, facts_of(profile), ELSEWHERE)) if one.ceiling is not None]


def test_a_device_that_was_not_recorded(tmp_path: Path) -> None:
    why = abstention(profile_of(tmp_path, *map(launched, range(40))))
    assert why is not None and "40 kernels" in why.reason and "ProfilerActivity.CUDA" in why.advice


@pytest.mark.parametrize(
    ("name", "distortion"), [("Lazy Function Loading", 0), ("Command Buffer Full", 0), ("Buffer Flush", 0.25)]
)
def test_what_recording_took(tmp_path: Path, name: str, distortion: float) -> None:
    profile = profile_of(tmp_path, kernel(1), op(name, 700, 200, "overhead"), op(name, 2000, 500, "overhead"))
    assert (profile.distortion or 0.0) == pytest.approx(distortion)
    why = abstention(profile)
    assert (why is None) == (distortion == 0) and (why is None or "with_stack" in why.advice)


def test_what_recording_took_while_the_device_worked_delayed_nothing(tmp_path: Path) -> None:
    busy = {**op("k", 600, 400, "kernel", tid=7, correlation=1, device=0, stream=7), "pid": 0}
    assert profile_of(tmp_path, busy, op("Buffer Flush", 700, 200, "overhead")).distortion == 0
