"""A script's process, opened again where the script has ended: as many turns as are wanted, however short it is."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, final

from unslow.core.errors import WorkerFailed
from unslow.processes.base import Process

FRUITLESS = 2
"""So many fresh runs in a row that end before one turn is over: the script is too short for turns."""


@final
class Reopened(Process):
    """Looks like one process whose script never ends. `start` gives a fresh one."""

    def __init__(self, start: Callable[[], Process]) -> None:
        self._start = start
        self._process = start()
        self._peak = 0
        self._open: tuple[float, dict[str, Any]] | None = None

    def ask(self, job: str, timeout_s: float, **arguments: Any) -> Any:
        return self.begin(job, timeout_s, **arguments)()

    def begin(self, job: str, timeout_s: float, **arguments: Any) -> Callable[[], Any]:
        if job == "open":
            self._open = (timeout_s, arguments)
        return partial(self._finish, job, timeout_s, arguments, self._process.begin(job, timeout_s, **arguments))

    def _finish(self, job: str, timeout_s: float, arguments: dict[str, Any], answer: Callable[[], Any]) -> Any:
        found = answer()
        for _ in range(FRUITLESS):
            if not _has_ended(found):
                return found
            self._again()
            found = self._process.ask(job, timeout_s, **arguments)
        if _has_ended(found):
            raise WorkerFailed(
                "The script ends before one turn of its steps is over.", "Let it take more steps: more epochs or data."
            )
        return found

    def _again(self) -> None:
        self.close()
        self._process = self._start()
        if self._open is not None:
            timeout_s, arguments = self._open
            self._process.ask("open", timeout_s, **arguments)

    def suspend(self) -> None:
        self._process.suspend()

    def resume(self) -> None:
        self._process.resume()

    def close(self) -> None:
        self._peak = self.peak_memory_bytes
        self._process.close()

    @property
    def peak_memory_bytes(self) -> int:
        return max(self._peak, self._process.peak_memory_bytes)


def _has_ended(answer: Any) -> bool:
    return isinstance(answer, dict) and bool(answer.get("ended"))  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]
