"""Ends a script in the middle of itself, from a step's end, also where it catches all that is raised."""

from __future__ import annotations

import sys
from types import FrameType
from typing import Any, NoReturn, final

from unslow.scripts.sites import is_users


class Enough(BaseException):
    """Unwinds a script that has run long enough; no `except Exception` of the user's holds it up."""


@final
class Stopping:
    """Raises `Enough`. Asked again, since an `except:` of the user's has caught it, also from within that handler."""

    def __init__(self) -> None:
        self._is_begun = False

    def now(self) -> NoReturn:
        if self._is_begun:
            _raise_at_the_next_line(sys._getframe(1))  # pyright: ignore[reportPrivateUsage]
        self._is_begun = True
        raise Enough

    def over(self) -> None:
        """The script has been left."""
        sys.settrace(None)


def _raise_at_the_next_line(frame: FrameType | None) -> None:
    """In whichever of the user's functions goes on, which is where what is raised now is caught. Once: Python forgets a
    trace that raises."""

    def goes_on(frame: FrameType, event: str, argument: Any) -> Any:
        if event == "line":
            raise Enough
        return goes_on

    while frame is not None:
        if is_users(frame):
            frame.f_trace = goes_on
        frame = frame.f_back
    sys.settrace(lambda frame, event, argument: None)
