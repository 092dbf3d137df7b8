"""What is noted while a script runs, and how a library's calls are watched for it."""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, final

from unslow.core.script import Noted, Site
from unslow.scripts.sites import Called


@dataclass(slots=True)
class Tally:
    """What is counted of a kind of call at one place: `details` (plain JSON) are those of the first."""

    kind: str
    called: Called
    details: Mapping[str, Any]
    times: int = 0
    times_in_steps: int = 0
    seconds_in_steps: float = 0.0


@final
class Notes:
    """Collects calls by kind and place. `stepping` is set when the script's first step has ended.

    `on` is off while steps are timed: watches of what happens in every step then do nothing at all, and what is
    noted of rarer calls is not counted as in steps. `aside_s` is what was spent on trying things out.
    """

    def __init__(self) -> None:
        self.stepping, self.on = False, True
        self.aside_s = 0.0
        self._found: dict[tuple[str, Site], Tally] = {}
        self._main = threading.get_ident()

    @contextmanager
    def aside(self) -> Generator[None]:
        """What a watch tries out, once at a place: it is no time of the step's."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self.aside_s += time.perf_counter() - started

    def facts(self) -> tuple[Noted, ...]:
        """All that was noted, in the order in which it was first seen."""
        return tuple(
            Noted(
                tally.kind,
                tally.called.site,
                tally.called.direct,
                tally.times,
                tally.details,
                tally.times_in_steps,
                tally.seconds_in_steps,
            )
            for tally in self._found.values()
        )

    def note(self, kind: str, called: Called | None, details: Mapping[str, Any], seconds: float = 0.0) -> None:
        """One more call of that kind; of its `details` (plain JSON) those of the first at its place are kept.

        `called` is None where no frame is the user's: then nothing is noted.
        """
        if called is not None:
            self.count(self.tally(kind, called, details), seconds)

    def tally(self, kind: str, called: Called, details: Mapping[str, Any]) -> Tally:
        """What is counted at that place: a watch that keeps it need not look for the place again."""
        # The first note of a place is of the call itself; what follows may be a call that it makes.
        key = kind, called.site
        if key not in self._found:
            self._found[key] = Tally(kind, called, details)
        return self._found[key]

    def count(self, tally: Tally, seconds: float = 0.0) -> None:
        """One more call there."""
        tally.times += 1
        if self.stepping and self.on and threading.get_ident() == self._main:
            tally.times_in_steps += 1
            tally.seconds_in_steps += seconds


@dataclass(frozen=True)
class Watch:
    """A kind of call that is watched: `begin(notes)` is called before the script begins, in its process.

    `kinds` are what it notes. It must cost next to nothing where nothing is to be noted, and while `notes.on` is
    off: it stays in its place in every step of the survey.
    """

    name: str
    kinds: tuple[str, ...]
    begin: Callable[[Notes], None]


def after(owner: Any, name: str, tell: Callable[[Any], None]) -> None:
    """`tell(result)` after every call of the function or method `name` of `owner`."""
    inner = getattr(owner, name)

    @functools.wraps(inner)
    def told(*args: Any, **kwargs: Any) -> Any:
        result = inner(*args, **kwargs)
        tell(result)
        return result

    setattr(owner, name, told)


def around(owner: Any, name: str, tell: Callable[[tuple[Any, ...], dict[str, Any], Any, float], None]) -> None:
    """`tell(args, kwargs, result, seconds)` after every call of `name` of `owner`; for methods `args` begins with
    self."""
    inner = getattr(owner, name)

    @functools.wraps(inner)
    def told(*args: Any, **kwargs: Any) -> Any:
        started = time.perf_counter()
        result = inner(*args, **kwargs)
        tell(args, kwargs, result, time.perf_counter() - started)
        return result

    setattr(owner, name, told)
