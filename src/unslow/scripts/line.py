"""The line to whoever drives this process: jobs come in, each is answered once."""

from __future__ import annotations

from typing import Any, Protocol


class Line(Protocol):
    """What a plan needs to answer jobs in the middle of a script."""

    def receive(self) -> tuple[str, dict[str, Any]]:
        """The next job and its arguments; the process ends where the other end has closed."""
        ...

    def tell(self, text: str) -> None:
        """How far a job is that takes long, for people to read."""
        ...

    def answer(self, result: Any) -> None:
        """The answer to the job that was received last, as plain JSON."""
        ...

    def fail(self, error: Exception) -> None:
        """That the job cannot be done, and why."""
        ...
