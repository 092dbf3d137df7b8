"""`with unslow.step():` — for a script whose steps cannot be found by themselves."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager

_listeners: list[Callable[[], None]] = []


@contextmanager
def step() -> Generator[None]:
    """Marks the body of a loop as one step of a script.

    It does nothing unless unslow runs the script, so it may stay where it is::

        for batch in batches:
            with unslow.step():
                update(model, batch)
    """
    yield
    for listener in _listeners:
        listener()


def when_stepped(listener: Callable[[], None]) -> None:
    """Call `listener` at the end of every step, from now on."""
    _listeners.append(listener)
