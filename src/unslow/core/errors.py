"""Every exception that unslow raises on purpose.

::

    UnslowError                exit 2
    ├── BadUsage               exit 2   the command or the call does not make sense
    ├── BadInput               exit 2   a file, a model, an input or a metric cannot be used
    ├── CannotRun              exit 3   this environment cannot do it
    │   └── MissingExtra       exit 3   an optional library is not installed
    └── WorkerFailed           exit 2   a process of ours died, hung, or said why it could not go on

Outcomes (a variant that fails, a fix that does not help) are values, not exceptions. An exception is for misuse and
for a broken environment; it is shown as two plain lines: what is wrong and where, then what to do.
"""

from __future__ import annotations

from typing import ClassVar


class UnslowError(Exception):
    """Base of all: `what` is wrong (with where), and what `todo` about it; each one line."""

    exit_code: ClassVar[int] = 2

    def __init__(self, what: str, todo: str = "") -> None:
        super().__init__(what, todo)
        self.what = what
        self.todo = todo

    def __str__(self) -> str:
        return f"{self.what}\n{self.todo}" if self.todo else self.what


class BadUsage(UnslowError):
    """The command or the call does not make sense as it stands."""


class BadInput(UnslowError):
    """A file, a model, an input or a metric that cannot be used."""


class CannotRun(UnslowError):
    """The environment cannot do what was asked."""

    exit_code = 3


class MissingExtra(CannotRun):
    """An optional library is not installed; names the extra and the command."""

    def __init__(self, library: str, extra: str, wanted_for: str) -> None:
        super().__init__(
            f"{wanted_for} needs {library}, which is not installed.",
            f"Install it with: pip install 'unslow[{extra}]'",
        )
        self.library = library
        self.extra = extra


HUNG = "It hung"
"""Begins what is said of a process that took longer than anybody waits."""


class WorkerFailed(UnslowError):
    """A process of ours died, hung, was stopped by a guard, or said why it could not go on.

    `cannot_run`: what was raised there is a `CannotRun`, the environment's fault.
    """

    def __init__(self, what: str, todo: str = "", *, cannot_run: bool = False) -> None:
        super().__init__(what, todo)
        self.cannot_run = cannot_run

    def of_the_target(self, todo: str) -> UnslowError:
        """The same, where it is the user's own target that failed; `todo` where the process did not say what to do."""
        kind = CannotRun if self.cannot_run else BadInput
        return kind(self.what, self.todo or todo)
