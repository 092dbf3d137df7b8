"""What is kept of a recording that is too long: whole steps around its middle, and it says so."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest

import traces
from traces import op, step
from unslow.core.profile import Profile
from unslow.read import _kineto_file, _kineto_middle, _kineto_table, read
from unslow.read._files import LATEST_NS

STEPS = 40


def recording(folder: Path, device: bool) -> Path:
    """Steps of 100 µs with two operators each, and a kernel by each of them where there is a device."""
    events: list[dict[str, Any]] = []
    for number in range(STEPS):
        at = number * 100
        events += [step(number, at, 100), op("aten::mm", at + 10, 20), op("aten::add", at + 50, 20)]
        if device:
            asked = {"correlation": number}
            events += [op("cudaLaunchKernel", at + 12, 5, "cuda_runtime", **asked)]
            events += [op("gemm", at + 20, 40, "kernel", tid=7, device=0, stream=7, **asked)]
    return traces.kineto(folder / "t.json", events)


def looked_at(folder: Path, device: bool, most: int, monkeypatch: pytest.MonkeyPatch) -> Profile:
    with monkeypatch.context() as patched:
        patched.setattr(_kineto_table.Gathering.__init__, "__defaults__", (most, None))
        return read(recording(folder, device))


@pytest.mark.parametrize("device", [False, True])
def test_whole_steps_around_the_middle(device: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = looked_at(tmp_path, device, 10_000, monkeypatch)
    some = looked_at(tmp_path, device, 100, monkeypatch)
    assert len(whole.steps) == STEPS and not any("too long" in note for note in whole.notes)
    marks = [str(span.details["mark"]) for span in some.steps]
    numbers = [int(mark.partition("#")[2]) for mark in marks]
    assert numbers == list(range(numbers[0], numbers[-1] + 1)) and 7 <= len(numbers) <= 21
    assert numbers[0] >= 9 and numbers[-1] <= 31
    assert some.shares == pytest.approx(whole.shares)
    assert any("too long to be kept whole" in note and f"of its {STEPS} steps" in note for note in some.notes)
    if device:
        assert some.devices[0].share() == pytest.approx(0.4)
        assert some.devices[0].steps == len(numbers)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("backwards", [False, True])
def test_the_middle_of_all_though_most_of_it_is_still_to_come(
    packed: bool, backwards: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file comes in time's order, a few MB at a time; what is kept of the first of them must not stand for it."""
    monkeypatch.setattr(_kineto_table.Gathering.__init__, "__defaults__", (400, None))
    monkeypatch.setattr(_kineto_file, "CHUNK_BYTES", 2_000)
    monkeypatch.setattr(_kineto_middle, "APART_BYTES", 4_000)
    monkeypatch.setattr(_kineto_middle, "SAMPLE_BYTES", 500)
    events = [op("aten::mm", 5 * place + 1, 2) for place in range(2_000)]
    marks = [step(number, 100 * number, 100) for number in range(100)]
    ordered = sorted([*marks, *events], key=lambda event: event["ts"], reverse=backwards)
    path = traces.kineto(tmp_path / "t.json", ordered)
    if packed:
        path.write_bytes(gzip.compress(path.read_bytes()))
    profile = read(path)
    numbers = [int(str(span.details["mark"]).partition("#")[2]) for span in profile.steps]
    assert 7 <= len(numbers) <= 20 and numbers[0] >= 35 and numbers[-1] <= 65
    assert profile.shares["compute"] == pytest.approx(0.4)


def test_a_step_that_is_too_long_itself_is_kept_in_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_kineto_table.Gathering.__init__, "__defaults__", (100, None))
    events = [op("aten::mm", 10 * place, 5) for place in range(400)]
    profile = read(traces.kineto(tmp_path / "t.json", [step(0, 0, 4000), *events]))
    assert profile.shares["compute"] == pytest.approx(0.5, abs=0.02)
    assert any("around the middle" in note for note in profile.notes)


@pytest.mark.parametrize(
    ("text", "middle"), [("", None), ('"ts": 3.5, "ts":7}', 5000), ('"ts": ' + "9" * 18 + ",", LATEST_NS - 1)]
)
def test_the_middle_of_odd_times(text: str, middle: int | None, tmp_path: Path) -> None:
    (tmp_path / "t.json").write_text(text)
    assert _kineto_middle.middle_ns(tmp_path / "t.json") == middle


def test_events_of_one_moment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_kineto_table.Gathering.__init__, "__defaults__", (10, None))
    profile = read(traces.kineto(tmp_path / "t.json", [op("aten::mm", 5, 1)] * 50))
    assert len(profile.steps) == 1 and len(profile.spans) <= 1 + 10
