"""A process that answers at once and says that it took as long as its script says: no clock, no waiting."""

from __future__ import annotations

from typing import Any


class FakeProcess:
    """Takes `seconds` per request (a number, or a function of the turn's number); keeps a diary of what was asked."""

    def __init__(self, seconds: Any, diary: list[str] | None = None, name: str = "") -> None:
        self.seconds = seconds
        self.diary: list[str] = [] if diary is None else diary
        self.name = name
        self.turns = 0
        self.asleep = True
        self.closed = False
        self.peak_memory_bytes = 1

    def ask(self, job: str, timeout_s: float, **arguments: Any) -> Any:
        assert not self.asleep, "asked while it was suspended"
        assert timeout_s > 0
        self.diary.append(f"{self.name}{job}:{arguments['start']}+{arguments['count']}")
        each = self.seconds(self.turns) if callable(self.seconds) else self.seconds
        self.turns += 1
        count = arguments["count"]
        wall = each * count
        return {"seconds": wall, "cpu_seconds": 2 * wall, "requests": count, "call_seconds": [each] * count}

    def suspend(self) -> None:
        self.asleep = True

    def resume(self) -> None:
        self.asleep = False

    def close(self) -> None:
        self.closed = True
