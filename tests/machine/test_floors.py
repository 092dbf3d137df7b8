from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from unslow.core.machine import Machine
from unslow.machine import floors
from unslow.machine.floors import Asked, benchmarks, cache_folder, floors_of

MACHINE = Machine(
    processor="CPU",
    cores=2,
    logical_cores=2,
    physical_cores=2,
    cpu_quota=None,
    memory_bytes=1,
    flags=("avx2",),
    accelerators=(),
    system="",
    python="",
    libraries={"numpy": "2", "torch": "2", "onnx": "1", "onnxruntime": "1", "openvino": "1"},
)
GONE: dict[str, Any] = {}
RESULTS: dict[str, dict[str, Any]] = {
    "torch": {"a/b:matmul": {"values": [0.5] * 9}, "eager:conv": {"values": [2.0]}},
    "onnxruntime": {"int8/float32:conv": {"values": [0.3] * 9}, "graph:conv": {"values": [1.0]}},
    "openvino": {"graph:conv": {"values": [0.5]}},
    "numpy": {"a/b:matmul": {"values": [0.7] * 9}},
}


class FakeChild:
    def __init__(self, answers: Mapping[str, Any], asked: list[str]) -> None:
        self._answers = answers
        self._asked = asked

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._answers)

    def ask(self, name: str) -> Mapping[str, Any]:
        self._asked.append(name)
        return self._answers[name]


class Bench:
    """Stands in for the processes: answers from a table, and remembers what was asked."""

    def __init__(self, results: Mapping[str, Mapping[str, Any]] = RESULTS) -> None:
        self.results = results
        self.asked: list[str] = []
        self.starts = 0

    @contextmanager
    def __call__(self, modules: Mapping[str, str], cores: int, seconds: float) -> Iterator[Mapping[str, Asked]]:
        self.starts += 1
        assert cores == MACHINE.cores
        assert seconds <= 12
        yield {name: FakeChild(self.results.get(name, {}), self.asked) for name in modules}


def with_answer(runtime: str, name: str, answer: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {**RESULTS, runtime: {**RESULTS[runtime], name: answer}}


def only_file(folder: Path) -> Path:
    (file,) = folder.iterdir()
    return file


def test_floors_are_what_the_processes_say(tmp_path: Path) -> None:
    expected = {"a/b:matmul": 0.5, "graph/eager:conv": 0.25, "int8/float32:conv": 0.3}
    assert floors_of(MACHINE, Bench(), tmp_path) == expected


def test_the_two_sides_in_different_processes_take_turns(tmp_path: Path) -> None:
    bench = Bench()
    floors_of(MACHINE, bench, tmp_path)
    rounds = [name for name in bench.asked if name.endswith(":conv") and "/" not in name]
    assert rounds == ["eager:conv", "graph:conv", "graph:conv"] * floors.ROUNDS


def test_the_second_call_starts_nothing(tmp_path: Path) -> None:
    first = floors_of(MACHINE, Bench(), tmp_path)
    again = Bench()
    assert floors_of(MACHINE, again, tmp_path) == first
    assert again.starts == 0


def test_remeasuring_takes_nothing_from_the_cache_and_replaces_it(tmp_path: Path) -> None:
    floors_of(MACHINE, Bench(), tmp_path)
    faster = Bench(with_answer("torch", "a/b:matmul", {"values": [0.1] * 9}))
    assert floors_of(MACHINE, faster, tmp_path, remeasure=True)["a/b:matmul"] == 0.1
    assert floors_of(MACHINE, Bench(), tmp_path)["a/b:matmul"] == 0.1


@pytest.mark.parametrize(
    "change",
    [
        {"processor": "other"},
        {"flags": ("avx2", "amx_int8")},
        {"cores": 2, "libraries": {**MACHINE.libraries, "torch": "3"}},
    ],
)
def test_another_machine_is_measured_anew(tmp_path: Path, change: dict[str, Any]) -> None:
    floors_of(MACHINE, Bench(), tmp_path)
    bench = Bench()
    floors_of(replace(MACHINE, **change), bench, tmp_path)
    assert bench.starts == 1


def test_a_library_that_no_floor_depends_on_changes_nothing(tmp_path: Path) -> None:
    floors_of(MACHINE, Bench(), tmp_path)
    bench = Bench()
    floors_of(replace(MACHINE, libraries={**MACHINE.libraries, "transformers": "5"}), bench, tmp_path)
    assert bench.starts == 0


@pytest.mark.parametrize(
    "damage",
    [
        "",
        "{",
        "[]",
        '{"schema": "unslow.machine/0", "entries": {}, "complete": true, "fruitless": 1}',
        '{"schema": "unslow.machine/1", "entries": {"a/b:matmul": 3}, "complete": true, "fruitless": 1}',
        '{"schema": "unslow.machine/1", "entries": {"a/b:c": {"ratios": ["x"]}}, "complete": true, "fruitless": 1}',
        '{"schema": "unslow.machine/1", "entries": []}',
    ],
)
def test_a_damaged_cache_is_rebuilt(tmp_path: Path, damage: str) -> None:
    first = floors_of(MACHINE, Bench(), tmp_path)
    only_file(tmp_path).write_text(damage)
    assert floors_of(MACHINE, Bench(), tmp_path) == first
    assert json.loads(only_file(tmp_path).read_text())["schema"] == "unslow.machine/1"


def test_a_missing_library_s_floors_are_missing(tmp_path: Path) -> None:
    machine = replace(MACHINE, libraries={"numpy": "2", "torch": "2"})
    assert floors_of(machine, Bench(), tmp_path) == {"a/b:matmul": 0.5}


def test_numpy_stands_in_for_torch() -> None:
    assert list(benchmarks({"numpy": "2"})) == ["numpy"]
    assert list(benchmarks({"numpy": "2", "torch": "2"})) == ["torch"]


def test_graph_runtimes_need_onnx_to_build_the_networks() -> None:
    assert list(benchmarks({"numpy": "2", "onnxruntime": "1", "openvino": "1"})) == ["numpy"]
    assert list(benchmarks({"onnx": "1", "onnxruntime": "1"})) == ["numpy", "onnxruntime"]


def test_what_cannot_be_measured_is_left_out_and_not_tried_again(tmp_path: Path) -> None:
    results = with_answer("onnxruntime", "int8/float32:conv", {"error": "no kernel"})
    assert "int8/float32:conv" not in floors_of(MACHINE, Bench(results), tmp_path)
    again = Bench()
    floors_of(MACHINE, again, tmp_path)
    assert again.starts == 0


def test_one_graph_runtime_that_fails_leaves_the_other(tmp_path: Path) -> None:
    results = with_answer("openvino", "graph:conv", {"error": "no"})
    assert floors_of(MACHINE, Bench(results), tmp_path)["graph/eager:conv"] == 0.5


@pytest.mark.parametrize(("runtime", "name"), [("torch", "eager:conv"), ("openvino", "graph:conv")])
def test_a_pair_that_was_cut_off_is_measured_by_the_next_call(tmp_path: Path, runtime: str, name: str) -> None:
    cut = floors_of(MACHINE, Bench(with_answer(runtime, name, GONE)), tmp_path)
    assert "graph/eager:conv" not in cut
    assert floors_of(MACHINE, Bench(), tmp_path)["graph/eager:conv"] == 0.25


def test_a_pair_without_its_eager_side_is_not_tried_again(tmp_path: Path) -> None:
    failed = floors_of(MACHINE, Bench(with_answer("torch", "eager:conv", {"error": "no"})), tmp_path)
    assert "graph/eager:conv" not in failed
    again = Bench()
    floors_of(MACHINE, again, tmp_path)
    assert again.starts == 0


def test_what_was_cut_off_is_measured_by_the_next_call_alone(tmp_path: Path) -> None:
    cut = floors_of(MACHINE, Bench(with_answer("onnxruntime", "int8/float32:conv", GONE)), tmp_path)
    assert list(cut) == ["a/b:matmul", "graph/eager:conv"]
    again = Bench()
    assert floors_of(MACHINE, again, tmp_path)["int8/float32:conv"] == 0.3
    assert again.asked == ["int8/float32:conv"]


def test_a_process_that_died_at_once_is_tried_again(tmp_path: Path) -> None:
    floors_of(MACHINE, Bench({**RESULTS, "openvino": {}}), tmp_path)
    again = Bench()
    floors_of(MACHINE, again, tmp_path)
    assert again.starts == 1


def test_after_three_tries_that_added_nothing_it_is_left_at_that(tmp_path: Path) -> None:
    bench = Bench({**RESULTS, "torch": {}})
    for _ in range(6):
        floors_of(MACHINE, bench, tmp_path)
    assert bench.starts == 1 + 3


def test_a_folder_that_cannot_be_written_costs_the_cache_only(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    assert floors_of(MACHINE, Bench(), file / "below") == floors_of(MACHINE, Bench(), tmp_path / "good")


def test_a_system_without_processes_costs_the_floors_only(tmp_path: Path) -> None:
    def refuses(*_: object) -> Any:
        raise PermissionError("fork")

    assert floors_of(MACHINE, refuses, tmp_path) == {}


def test_the_file_keeps_the_ratios_and_nothing_half_written(tmp_path: Path) -> None:
    floors_of(MACHINE, Bench(), tmp_path)
    data = json.loads(only_file(tmp_path).read_text())
    assert data["entries"]["graph/eager:conv"]["ratios"] == [0.25] * floors.ROUNDS
    assert data["machine"]["processor"] == "CPU"


def test_where_the_cache_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("UNSLOW_CACHE", raising=False)
    monkeypatch.setenv("HOME", "/home/someone")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert cache_folder() == Path("/home/someone/.cache/unslow")
    monkeypatch.setenv("XDG_CACHE_HOME", "/cache")
    assert cache_folder() == Path("/cache/unslow")
    monkeypatch.setenv("UNSLOW_CACHE", "/own")
    assert cache_folder() == Path("/own")
