"""A script that cannot be stopped and woken: each of its turns is a whole run, from its first line to its end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, final

from unslow.core.errors import BadUsage
from unslow.measure.turns import TURN_STEPS, Side
from unslow.processes.base import Process


@final
class WholeRuns(Process):
    """Looks like one process that answers turns. `start` gives a fresh one, in which the script runs once.

    It is the answer to a script that ends before a few turns are over, or that would notice that it was stopped (a
    timer, a watchdog). Between turns there is no process at all, so that there is nothing to suspend.
    """

    def __init__(self, start: Callable[[], Process], seconds: float) -> None:
        self._start = start
        self._seconds = seconds
        self._arguments: dict[str, Any] = {}
        self._process: Process | None = None
        self._peak = 0

    def ask(self, job: str, timeout_s: float, **arguments: Any) -> Any:
        if job == "open":
            self._arguments = {key: arguments[key] for key in ("workload", "facts", "survey", "bundle")}
            return {"setup_s": 0.0, "first_s": self._seconds, "granularity": 1}
        if job != "turn":
            raise BadUsage(f"A script that runs as a whole cannot be asked for {job!r}.", "Jobs: open, turn.")
        with self._start() as self._process:
            try:
                return self._process.ask("run", timeout_s, **self._arguments)
            finally:
                self._peak = self.peak_memory_bytes

    def side(self, patience_s: float | None) -> Side:
        """As it is asked for turns: none of them is warmer than another."""
        # A turn of so many steps is one run.
        return Side(self, self._seconds / TURN_STEPS, patience_s=patience_s)

    def suspend(self) -> None:
        """Nothing runs between turns."""

    def resume(self) -> None:
        """The next turn starts it."""

    def close(self) -> None:
        if self._process is not None:
            self._process.close()

    @property
    def peak_memory_bytes(self) -> int:
        return max(self._peak, 0 if self._process is None else self._process.peak_memory_bytes)
