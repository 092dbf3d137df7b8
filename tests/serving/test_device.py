"""Answers on a device are waited for, so that their time counts. The device here is made by hand."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from unslow.core.calls import Request
from unslow.core.workload import Serving
from unslow.serving.device import arrived
from unslow.serving.stream import Around, Stream


@dataclass(frozen=True)
class Device:
    type: str
    index: int = 0


@dataclass
class Leaf:
    """A tensor as far as waiting goes."""

    device: Any = Device("cuda")
    shape: tuple[int, ...] = (1, 2)
    dtype: str = "float32"


@dataclass
class FakeTorch:
    """Keeps a diary of what was waited for."""

    diary: list[str] = field(default_factory=list[str])

    @property
    def cuda(self) -> Any:
        return SimpleNamespace(synchronize=lambda device: self.diary.append(f"wait {device.type}:{device.index}"))

    @property
    def mps(self) -> Any:
        return SimpleNamespace(synchronize=lambda: self.diary.append("wait mps"))


@pytest.fixture
def torch(monkeypatch: pytest.MonkeyPatch) -> FakeTorch:
    fake = FakeTorch()
    monkeypatch.setitem(sys.modules, "torch", fake)
    return fake


@pytest.mark.parametrize(
    "answer", [None, 1.5, "text", np.zeros(3), Leaf(Device("cpu")), Leaf(Device("meta")), Leaf("cuda"), [], {}]
)
def test_what_is_in_host_memory_is_not_waited_for(torch: FakeTorch, answer: Any) -> None:
    assert arrived(answer) is answer
    assert torch.diary == []


def test_without_the_framework_nothing_is_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    answer = Leaf()
    assert arrived(answer) is answer
    assert "torch" not in sys.modules


def test_a_device_that_cannot_be_waited_for_is_left_alone(torch: FakeTorch) -> None:
    arrived(Leaf(Device("npu")))
    assert torch.diary == []


def test_each_device_is_waited_for_once_however_deep_its_leaves_lie(torch: FakeTorch) -> None:
    arrived({"a": Leaf(), "b": [Leaf(), (Leaf(Device("cuda", 1)), np.zeros(2))], "c": Leaf(Device("mps"))})
    assert torch.diary == ["wait cuda:0", "wait cuda:1", "wait mps"]


def model(torch: FakeTorch) -> Any:
    def call(request: Request) -> Any:
        torch.diary.append("call")
        return Leaf()

    return call


@pytest.mark.parametrize(
    ("around", "work"),
    [
        (Around(), ["call", "wait cuda:0"]),
        (Around(finish=lambda answer: answer), ["call", "wait cuda:0"]),
        (Around(finish=lambda answer: np.zeros(2)), ["call"]),
    ],
)
def test_every_request_of_a_turn_is_there_before_the_next_begins(
    torch: FakeTorch, around: Around, work: list[str]
) -> None:
    """Once a request: a `finish` that brings the answer to the host has waited itself."""
    Stream(model(torch), Serving(), ["x"], [np.zeros(2)], around).turn([0, 0])
    assert torch.diary == work * 2


def test_calls_that_clients_make_are_waited_for_where_they_are_timed(torch: FakeTorch) -> None:
    stream = Stream(model(torch), Serving(clients=2), ["x"], [np.zeros(2)], Around(finish=lambda answer: np.zeros(2)))
    stream.turn([0, 0, 0, 0])
    assert torch.diary.count("wait cuda:0") == torch.diary.count("call") == 4


@pytest.mark.gpu
def test_the_time_of_a_turn_is_the_device_s() -> None:
    """On a real device: what a turn says is what a clock around it and a full wait says, not what launching takes."""
    torch = pytest.importorskip("torch")
    matrix = torch.ones(8192, 8192, device="cuda")

    def call(request: Request) -> Any:
        result = matrix
        for _ in range(4):
            result = result @ matrix
        return result

    stream = Stream(call, Serving(), ["x"], [np.zeros(1)], Around())
    stream.turn([0, 0])
    torch.cuda.synchronize()
    started = time.perf_counter()
    turn = stream.turn([0, 0, 0])
    torch.cuda.synchronize()
    assert turn.seconds > 0.9 * (time.perf_counter() - started)
