"""What happens during a run, told to whoever shows it. Nothing that computes prints."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, final

from unslow.core.estimate import Estimate
from unslow.core.profile import Profile

Stage = Literal["survey", "profile", "findings", "build", "race", "guard", "finals", "bundle", "report", "note"]


@dataclass(frozen=True)
class Event:
    """`text` says what is being done, to people. `trial` is the id that it is about, `interval` its speed-up so far.

    `left_s` is what remains of the budget. `payload` carries a finished noun (a `Profile`, findings, a `Trial`).
    """

    stage: Stage
    text: str
    trial: str = ""
    interval: Estimate | None = None
    pairs: int = 0
    left_s: float | None = None
    payload: Any = None


Listener = Callable[[Event], None]


@final
class Keeping:
    """Tells another listener everything, and keeps the profile that is told of, which a report only sums up."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self.profile = Profile((), "")

    def __call__(self, event: Event) -> None:
        if isinstance(event.payload, Profile):
            self.profile = event.payload
        self._listener(event)


def silent(event: Event) -> None:
    """The listener of those who do not look."""


Tell = Callable[[str], None]
"""Called with how far a job is, in words, while it goes on."""


def unheard(text: str) -> None:
    """Nobody listens."""
