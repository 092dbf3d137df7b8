from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest

from unslow.core.attention import FusedAttention
from unslow.machine.attention import fused_seconds

PLAIN = FusedAttention(4, 32, 32, 16, "float32", masked=False)
MASKED, UNKNOWN = FusedAttention(4, 32, 16, 16, "bfloat16", masked=True), FusedAttention(1, 8, 8, 8, "qint3", False)


class Fake:
    names = ("torch",)

    def __init__(self) -> None:
        self.asked: list[Any] = []

    def ask(self, name: str) -> Mapping[str, Any]:
        self.asked.append(json.loads(name))
        values = [0.2] if len(self.asked) == 3 else [0.3]
        return {"values": values} if self.asked[-1]["dtype"] == "float32" else {"error": "no such type"}


def test_nothing_is_started_for_nothing() -> None:
    assert fused_seconds((), 2, start=None) == {}  # pyright: ignore[reportArgumentType]


def test_the_shortest_of_rounds_that_lie_apart_and_what_cannot_be_done_is_left_out() -> None:
    fake = Fake()

    @contextmanager
    def start(modules: Mapping[str, str], cores: int, seconds: float) -> Iterator[Mapping[str, Fake]]:
        assert cores == 2 and seconds > 0
        yield dict.fromkeys(modules, fake)

    assert fused_seconds((PLAIN, UNKNOWN), 2, start) == {PLAIN: 0.2}
    assert [one["queries"] for one in fake.asked] == [32, 8] * 3


def test_a_system_that_starts_no_process_costs_the_figures_only() -> None:
    def start(*_: object) -> Any:
        raise OSError("no processes left")

    assert fused_seconds((PLAIN,), 2, start) == {}


def test_in_a_process_of_its_own() -> None:
    pytest.importorskip("torch")
    found = fused_seconds((PLAIN, MASKED, UNKNOWN), 1)
    assert found.keys() == {PLAIN, MASKED} and all(0 < seconds < 1 for seconds in found.values())
