"""Keeps the user's files whole while a script runs in its mirror.

Python tells of every file that is opened, moved or removed (PEP 578) before it happens. A link of the mirror that is to
be written through becomes the mirror's own first (`overlay.py`). What would change a file elsewhere is refused, and
says so; what is made elsewhere is noted (`made.py`), to be removed in the end. Other programs, and libraries in C,
write past Python: what they are seen to be given becomes a copy before.
"""

from __future__ import annotations

import contextlib
import getpass
import os
import shlex
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, cast

from unslow.core.errors import BadInput
from unslow.scripts.made import Made
from unslow.scripts.overlay import lies_below, own_file, own_folder

WRITING = os.O_WRONLY | os.O_RDWR | os.O_TRUNC | os.O_APPEND
CHANGES = ("os.truncate", "os.chmod", "os.chown", "os.utime")
REMOVES = {"os.remove": 1, "os.rmdir": 1, "os.rename": 2, "shutil.rmtree": 1, "shutil.move": 2}
"""How many of the first arguments are gone afterwards."""
MAKES = {"os.mkdir": 0, "os.symlink": 1, "os.link": 1}
"""Which argument names what is made."""
GOES_INTO = ("os.chdir", "shutil.rmtree")
PROGRAMS = {"subprocess.Popen": 1, "os.posix_spawn": 1, "os.exec": 1, "os.system": 0, "sqlite3.connect": 0}
"""Which argument may name files that are written past Python."""
LARGEST_FOR_OTHERS_BYTES = 1_000_000_000
"""Of a file that another program is given, and may only read; larger ones stay links."""
_OF_THE_SYSTEM = ("/dev/", "/proc/", "/sys/")


class OutsideWrite(BadInput):
    """The script would change a file of the user's that lies outside its working folder."""


def keep_whole(mirror: Path, made: Made, allowed: tuple[Path, ...] = ()) -> Callable[[str], None]:
    """From now on nothing that Python opens for writing harms what lies outside `mirror`.

    Caches below the user's `~/.cache`, the system's own and `allowed` folders stay writable. New files may be made
    anywhere, and are written again by whom has `made` them. Returns what is to be called with a path that is written
    past Python.
    """
    root = str(mirror)
    free = _free(allowed)

    def is_kept_apart(path: str) -> bool:
        return any(lies_below(path, place) for place in (root, *free))

    def will_write(path: str) -> None:
        if lies_below(os.path.abspath(path), root):
            own_file(path, root)
            return
        real = os.path.realpath(path)
        if is_kept_apart(real) or os.path.isdir(real):
            return  # A folder is opened for a file without a name.
        if not os.path.exists(real):
            made.note(real)
        elif not _is_empty(real) and real not in made:
            raise OutsideWrite(
                f"The script would overwrite {real}, which lies outside its working folder.",
                "Name another output folder in its arguments (a relative one is kept apart for each run).",
            )

    def opens(arguments: tuple[Any, ...]) -> None:
        path, mode, flags = arguments
        if isinstance(path, (str, bytes)) and _writes(mode, flags):
            will_write(os.fsdecode(path))

    def changes(arguments: tuple[Any, ...]) -> None:
        for path in _paths(arguments[:1]):
            will_write(path)

    def goes_into(arguments: tuple[Any, ...]) -> None:
        for path in _paths(arguments[:1]):
            own_folder(path, root)

    def makes(at: int, arguments: tuple[Any, ...]) -> None:
        for path in _paths(arguments[at : at + 1]):
            above = os.path.dirname(os.path.abspath(path))
            own_folder(above, root)
            real = os.path.join(os.path.realpath(above), os.path.basename(path))
            is_on_the_way = any(lies_below(place, real) for place in free)
            if not os.path.lexists(real) and not is_on_the_way and not is_kept_apart(real):
                made.note(real)

    def removes(count: int, arguments: tuple[Any, ...]) -> None:
        for path in _paths(arguments[:count]):
            _will_remove(path, root, free, made)
        makes(1, arguments[:count])  # Where what is moved comes to lie.

    def starts(at: int, arguments: tuple[Any, ...]) -> None:
        for path in _words(arguments[at]):
            own_file(path, root, LARGEST_FOR_OTHERS_BYTES)

    acts: dict[str, list[Callable[[tuple[Any, ...]], None]]] = {"open": [opens]}
    for event in CHANGES:
        acts.setdefault(event, []).append(changes)
    for event in GOES_INTO:
        acts.setdefault(event, []).append(goes_into)
    for known, act in ((MAKES, makes), (REMOVES, removes), (PROGRAMS, starts)):
        for event, number in known.items():
            acts.setdefault(event, []).append(partial(act, number))

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        for act in acts.get(event, ()):
            act(arguments)

    sys.addaudithook(watch)
    return will_write


def _paths(arguments: Iterable[Any]) -> Iterable[str]:
    """Those that are paths; file descriptors are none."""
    return (os.fsdecode(path) for path in arguments if isinstance(path, (str, bytes, os.PathLike)))  # pyright: ignore


def _words(given: Any) -> Iterable[str]:
    """Whatever of what a program is given may be a path: its arguments, and the words of a command line."""
    texts = list(_paths(cast("Sequence[Any]", given) if isinstance(given, (list, tuple)) else [given]))
    for text in texts:
        yield text
        with contextlib.suppress(ValueError):  # No closing quotation: the shell will say so.
            yield from shlex.split(text)


def _will_remove(path: str, root: str, free: tuple[str, ...], made: Made) -> None:
    own_folder(os.path.dirname(os.path.abspath(path)), root)
    parent = os.path.realpath(os.path.dirname(os.path.abspath(path)))
    place = os.path.join(parent, os.path.basename(path))
    if os.path.lexists(place) and not any(lies_below(place, one) for one in (root, *free)) and place not in made:
        raise OutsideWrite(
            f"The script would remove or move {place}, which lies outside its working folder.",
            "Name another output folder in its arguments (a relative one is kept apart for each run).",
        )


def _is_empty(path: str) -> bool:
    """Whether it is a file in which nothing is, as others make them for who is to write (`mktemp`)."""
    return os.path.isfile(path) and os.path.getsize(path) == 0


def _free(allowed: tuple[Path, ...]) -> tuple[str, ...]:
    caches = [Path.home() / ".cache", *allowed, *_of_the_compiler()]
    named = [os.environ.get(name, "") for name in ("XDG_CACHE_HOME", "HF_HOME", "TORCH_HOME", "MPLCONFIGDIR")]
    named += [os.environ.get(name, "") for name in ("TORCHINDUCTOR_CACHE_DIR", "TRITON_CACHE_DIR", "NUMBA_CACHE_DIR")]
    places = [*map(str, caches), *filter(None, named)]
    return tuple(os.path.realpath(place) for place in places) + tuple(place.rstrip("/") for place in _OF_THE_SYSTEM)


def _of_the_compiler() -> list[Path]:
    """Where PyTorch's keeps what it has compiled, also where another place is named for it."""
    try:
        return [Path(tempfile.gettempdir()) / f"torchinductor_{getpass.getuser()}"]
    except (KeyError, OSError):  # A user without a name.
        return []


def _writes(mode: Any, flags: Any) -> bool:
    if isinstance(mode, str):
        return any(letter in mode for letter in "wax+")
    return isinstance(flags, int) and bool(flags & WRITING)
