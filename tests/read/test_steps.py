from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import traces
from unslow.core.errors import BadInput
from unslow.read import read

MS = 1_000_000


def sample(at_ms: int, late_ms: int, **others: Any) -> dict[str, Any]:
    return {"at_ns": at_ms * MS, "late_ns": late_ms * MS, "stack": 0, **others}


def test_no_steps(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no steps"):
        read(traces.steps(tmp_path / "s.json", steps=[]))


def test_a_step_that_ends_before_it_starts(tmp_path: Path) -> None:
    with pytest.raises(BadInput):
        read(traces.steps(tmp_path / "s.json", steps=[{"start_ns": 5, "end_ns": 4}]))


def test_a_sample_of_no_stack(tmp_path: Path) -> None:
    with pytest.raises(BadInput):
        read(traces.steps(tmp_path / "s.json", stacks=[["a.py:1 f"]]))


def test_without_samples_nothing_is_claimed(tmp_path: Path) -> None:
    profile = read(traces.steps(tmp_path / "s.json", samples=[]))
    assert profile.shares["other"] == 1
    assert profile.notes


def test_each_moment_belongs_to_the_nearest_sample(tmp_path: Path) -> None:
    profile = read(traces.steps(tmp_path / "s.json"))
    parts = [(span.name, span.category, span.start_ns // MS, span.end_ns // MS) for span in profile.spans]
    assert parts == [
        ("step", "framework", 0, 20),
        ("inner", "framework", 0, 15),
        ("outer", "compute", 15, 20),
        ("step", "framework", 20, 40),
        ("outer", "compute", 20, 40),
    ]
    assert profile.distortion == 0.5


def test_spans_know_their_place_in_the_code(tmp_path: Path) -> None:
    details = read(traces.steps(tmp_path / "s.json")).spans[1].details
    assert (details["file"], details["line"]) == ("b.py", 2)
    assert details["stack"] == ["a.py:1 outer", "b.py:2 inner"]


@pytest.mark.parametrize(
    ("found", "category"),
    [
        (sample(10, 0), "compute"),
        (sample(10, 5), "compute"),
        (sample(10, 6), "framework"),
        (sample(10, 9, worked_ns=0), "framework"),
        (sample(10, 0, worked_ns=5 * MS), "compute"),
        (sample(10, 0, worked_ns=0), "other"),
    ],
)
def test_what_a_sample_says(tmp_path: Path, found: dict[str, Any], category: str) -> None:
    assert read(traces.steps(tmp_path / "s.json", samples=[found])).spans[1].category == category


@pytest.mark.parametrize(
    ("file", "category"),
    [
        (f"/tmp/torchinductor_me/5u/c{'5uj' * 17}.py", "compute"),
        (f"/tmp/torchinductor_me/5u/c{'5uj' * 16}.py", "framework"),
        (f"/home/me/c{'189' * 17}.py", "framework"),
        ("call.py", "framework"),
    ],
)
def test_what_a_compiler_wrote_computes(tmp_path: Path, file: str, category: str) -> None:
    late = sample(10, 9)
    stacks = [["train.py:3 <module>", f"{file}:12 call"]]
    profile = read(traces.steps(tmp_path / "s.json", samples=[late], stacks=stacks))
    assert profile.spans[1].category == category


@pytest.mark.parametrize(
    ("innermost", "category"), [("serve.py:2 answer", "compute"), ("/usr/lib/python3.11/queue.py:171 get", "other")]
)
def test_native_code_waits_for_its_pool_and_python_for_others(tmp_path: Path, innermost: str, category: str) -> None:
    found = {**sample(10, 0, worked_ns=0), "others": True}
    stacks = [["serve.py:2 answer", innermost]] * 2
    assert read(traces.steps(tmp_path / "s.json", samples=[found], stacks=stacks)).spans[1].category == category
