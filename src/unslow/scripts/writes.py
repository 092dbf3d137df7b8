"""Keeps the user's files whole while a script runs in its mirror.

Python tells of every file that is opened, moved or removed (PEP 578) before it happens. A link of the mirror that is
to be written becomes a copy first. What would change a file elsewhere is refused, and says so.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from unslow.core.errors import BadInput

WRITING = os.O_WRONLY | os.O_RDWR | os.O_TRUNC | os.O_APPEND
REMOVES = {"os.remove": 1, "os.rmdir": 1, "os.rename": 2, "os.truncate": 1, "shutil.rmtree": 1, "shutil.move": 2}
_OF_THE_SYSTEM = ("/dev/", "/proc/", "/sys/")


class OutsideWrite(BadInput):
    """The script would change a file of the user's that lies outside its working folder."""


def keep_whole(mirror: Path, allowed: tuple[Path, ...] = ()) -> Callable[[str], None]:
    """From now on nothing that Python opens for writing harms what lies outside `mirror`.

    Temporary files, caches below the user's `~/.cache`, the system's own and `allowed` folders stay writable, and new
    files may be made anywhere. Returns what is to be called with a path that is written past Python.
    """
    root = str(mirror)
    free = _free(allowed)

    def will_write(path: str) -> None:
        real = os.path.realpath(path)
        if _below(real, root):
            return
        absolute = os.path.abspath(path)
        if _below(absolute, root) and os.path.islink(absolute) and os.path.isfile(real):
            os.unlink(absolute)
            shutil.copy2(real, absolute)
        elif os.path.exists(real) and not any(_below(real, place) for place in free):
            raise OutsideWrite(
                f"The script would overwrite {real}, which lies outside its working folder.",
                "Name another output folder in its arguments (a relative one is kept apart for each run).",
            )

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, mode, flags = arguments
            if isinstance(path, (str, bytes)) and _writes(mode, flags):
                will_write(os.fsdecode(path))
        elif event in REMOVES:
            for path in arguments[: REMOVES[event]]:
                if isinstance(path, (str, bytes, os.PathLike)):
                    _will_remove(os.fsdecode(path), root, free)  # pyright: ignore[reportUnknownArgumentType]

    sys.addaudithook(watch)
    return will_write


def _will_remove(path: str, root: str, free: tuple[str, ...]) -> None:
    parent = os.path.realpath(os.path.dirname(os.path.abspath(path)))
    place = os.path.join(parent, os.path.basename(path))
    if os.path.lexists(place) and not any(_below(place, one) for one in (root, *free)):
        raise OutsideWrite(
            f"The script would remove or move {place}, which lies outside its working folder.",
            "Name another output folder in its arguments (a relative one is kept apart for each run).",
        )


def _free(allowed: tuple[Path, ...]) -> tuple[str, ...]:
    caches = [Path.home() / ".cache", Path(tempfile.gettempdir()), *allowed]
    named = [os.environ.get(name, "") for name in ("XDG_CACHE_HOME", "HF_HOME", "TORCH_HOME", "MPLCONFIGDIR")]
    places = [*map(str, caches), *filter(None, named)]
    return tuple(os.path.realpath(place) for place in places) + tuple(place.rstrip("/") for place in _OF_THE_SYSTEM)


def _below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder + os.sep)


def _writes(mode: Any, flags: Any) -> bool:
    if isinstance(mode, str):
        return any(letter in mode for letter in "wax+")
    return isinstance(flags, int) and bool(flags & WRITING)
