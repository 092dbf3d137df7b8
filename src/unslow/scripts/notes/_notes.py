"""What is noted while a script runs, and how a library's calls are watched for it."""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, final

from unslow.core.script import Noted
from unslow.scripts.sites import Called


@final
class Notes:
    """Collects calls by kind and place. `stepping` is set when the script's first step has ended."""

    def __init__(self) -> None:
        self.stepping = False
        self._found: dict[tuple[str, str], Noted] = {}
        self._main = threading.get_ident()

    def facts(self) -> tuple[Noted, ...]:
        """All that was noted, in the order in which it was first seen."""
        return tuple(self._found.values())

    def note(self, kind: str, called: Called | None, details: Mapping[str, Any], seconds: float = 0.0) -> None:
        """One more call of that kind; of its `details` (plain JSON) those of the first at its place are kept.

        `called` is None where no frame is the user's: then nothing is noted.
        """
        if called is None:
            return
        # The first note of a place is of the call itself; what follows may be a call that it makes.
        key = kind, str(called.site) + str(called.site.column)
        before = self._found.get(key) or Noted(kind, called.site, called.direct, 0, details)
        inside = self.stepping and threading.get_ident() == self._main
        self._found[key] = replace(
            before,
            times=before.times + 1,
            times_in_steps=before.times_in_steps + inside,
            seconds_in_steps=before.seconds_in_steps + (seconds if inside else 0.0),
        )


@dataclass(frozen=True)
class Watch:
    """A kind of call that is watched: `begin(notes)` is called before the script begins, in its process.

    `kinds` are what it notes. It must cost next to nothing where nothing is to be noted: it stays on in every step of
    the survey.
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
