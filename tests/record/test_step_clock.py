from __future__ import annotations

import hashlib
import json
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from unslow.core.errors import BadUsage
from unslow.read import read
from unslow.record import step_clock
from unslow.record._thread_clock import ThreadClock, others_run


def rows_one_by_one(place: int) -> float:
    return sum(float(value) * 2 for value in range(400_000))


def test_no_request_is_misuse(tmp_path: Path) -> None:
    with pytest.raises(BadUsage):
        step_clock.record(lambda place: place, [], tmp_path)


def test_an_error_of_the_workload_ends_the_sampler(tmp_path: Path) -> None:
    before = threading.active_count()
    with pytest.raises(ZeroDivisionError):
        step_clock.record(lambda place: 1 // place, [1, 0], tmp_path)
    assert threading.active_count() == before


def test_steps_too_short_to_be_sampled_are_not_explained(tmp_path: Path) -> None:
    profile = read(step_clock.record(lambda place: place, [0, 1], tmp_path))
    assert len(profile.steps) == 2
    assert profile.shares["other"] in (0.0, pytest.approx(1))
    assert profile.notes


def test_the_file_says_what_it_is_first(tmp_path: Path) -> None:
    recording = step_clock.record(lambda place: place, [3], tmp_path)
    assert recording.read_text().startswith('{"schema": "unslow.steps/1"')
    assert json.loads(recording.read_text())["steps"][0]["request"] == 3


def test_python_loops_show_as_python_with_their_line(tmp_path: Path) -> None:
    profile = read(step_clock.record(rows_one_by_one, list(range(6)), tmp_path))
    assert sum(profile.shares.values()) == pytest.approx(1)
    assert profile.shares["framework"] > 0.5
    sampled = [span for span in profile.spans if span.parent >= 0]
    assert {span.details["file"] for span in sampled} == {__file__}
    assert all(any("rows_one_by_one" in frame for frame in span.details["stack"]) for span in sampled)
    recorder = str(Path(step_clock.__file__))
    assert not any(recorder in frame for span in sampled for frame in span.details["stack"])


def test_python_between_short_calls_of_libraries_is_not_theirs(tmp_path: Path) -> None:
    """Such a call gives the interpreter up: a sampler that waits for it would find the thread there each time."""
    profile = read(step_clock.record(loop_and_a_sum, list(range(100)), tmp_path))
    own = sum(
        own_ns
        for span, own_ns in zip(profile.spans, profile.own_ns, strict=True)
        if span.details.get("stack") and "loop_of_some_ms" in span.details["stack"][-1]
    )
    assert own / profile.wall_ns > 0.5
    assert profile.shares["framework"] > 0.5


def test_samples_leave_the_switch_interval_as_it_was(tmp_path: Path) -> None:
    before = sys.getswitchinterval()
    step_clock.record(rows_one_by_one, [0], tmp_path)
    assert sys.getswitchinterval() == before


def loop_and_a_sum(place: int) -> float:
    return loop_of_some_ms() + float(np.arange(20_000.0).sum())


def loop_of_some_ms() -> float:
    total = 0.0
    for number in range(60_000):
        total += number % 7
    return total


def test_a_line_is_known_also_where_an_instruction_has_none(tmp_path: Path) -> None:
    profile = read(step_clock.record(loop_with_a_branch, list(range(50)), tmp_path))
    lines = {span.details["line"] for span in profile.spans if span.parent >= 0}
    first = loop_with_a_branch.__code__.co_firstlineno
    assert lines and all(first <= line <= first + 6 for line in lines)


def loop_with_a_branch(place: int) -> int:
    total = 0
    for number in range(30_000):
        total += number
        if number % 3 == 0:
            total -= 1
    return total


def test_a_numpy_callable_keeps_its_wall_time(tmp_path: Path) -> None:
    matrix = np.random.default_rng(0).random((300, 300))
    recording = step_clock.record(lambda place: matrix @ matrix, list(range(5)), tmp_path)
    profile, document = read(recording), json.loads(recording.read_text())
    assert profile.wall_ns == sum(step["end_ns"] - step["start_ns"] for step in document["steps"])
    assert sum(profile.shares.values()) == pytest.approx(1)


def test_a_thread_clock_of_no_thread_knows_nothing() -> None:
    clock: Any = ThreadClock(0)
    assert (clock.known, clock.queued_ns(), clock.active_ns()) == (False, 0, 0)


def test_a_thread_clock_never_goes_back() -> None:
    with ThreadClock(threading.get_native_id()) as clock:
        before = clock.active_ns()
        rows_one_by_one(0)
        assert clock.active_ns() >= before


def test_whether_other_threads_run() -> None:
    me, started, done = threading.get_native_id(), threading.Event(), threading.Event()
    known: list[int] = []

    def busy() -> None:
        known.append(threading.get_native_id())
        started.set()
        while not done.is_set():
            hashlib.sha256(bytes(10_000_000))

    thread = threading.Thread(target=busy)
    thread.start()
    started.wait()
    assert any(others_run(me) for _ in range(100))
    done.set()
    thread.join()
    tasks = [int(task.name) for task in Path("/proc/self/task").iterdir()]
    assert not others_run(*tasks)
