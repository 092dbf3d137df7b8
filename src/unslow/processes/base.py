"""What every kind of process can do, whatever machine it runs on."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from unslow.core.events import Tell, unheard


@dataclass(frozen=True)
class Conditions:
    """Under what a process is started. `log` takes what it prints. `memory_bytes` is for its whole tree; 0: no
    limit. `told` is called with what a job tells of itself while it goes on."""

    log: Path
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    memory_bytes: int = 0
    told: Tell = unheard


class Process(ABC):
    """One process with its whole tree. It does one job at a time."""

    @abstractmethod
    def ask(self, job: str, timeout_s: float, **arguments: Any) -> Any:
        """Do a job (a name from `unslow.worker.jobs`) with plain JSON arguments; its plain JSON answer.

        Raises
        ------
        WorkerFailed
            The process crashed, took longer than `timeout_s` (from the last that it told of itself), took more memory
            than it may, or the job raised; the process is then gone, unless the job raised. The message says which.
        """

    def begin(self, job: str, timeout_s: float, **arguments: Any) -> Callable[[], Any]:
        """Ask without waiting, where that can be done; calling what is returned waits for the answer, as `ask` does.

        The process is asked nothing else before that.
        """
        return partial(self.ask, job, timeout_s, **arguments)

    @abstractmethod
    def suspend(self) -> None:
        """Stop the whole tree between two jobs. Called only after an answer came: that is the step boundary."""

    @abstractmethod
    def resume(self) -> None:
        """Let it go on."""

    @abstractmethod
    def close(self) -> None:
        """End the whole tree, stopped or not, and wait until it is gone. Safe to call twice."""

    @property
    @abstractmethod
    def peak_memory_bytes(self) -> int:
        """The largest resident size of the tree seen so far."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Processes(ABC):
    """Where processes come from."""

    @abstractmethod
    def start(self, conditions: Conditions) -> Process:
        """A fresh process, spawned, ready for its first job."""
