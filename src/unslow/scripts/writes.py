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
from dataclasses import dataclass, field
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
MOST_OWNED = 1000
_TODO = "Name another output folder in its arguments (a relative one is kept apart for each run)."
_OF_THE_SYSTEM = ("/dev/", "/proc/", "/sys/")


class OutsideWrite(BadInput):
    """The script would change a file of the user's that lies outside its working folder."""


def keep_whole(mirror: Path, made: Made, allowed: tuple[Path, ...] = ()) -> Callable[[str], None]:
    """From now on nothing that Python opens for writing harms what lies outside `mirror`.

    Caches below the user's `~/.cache`, the system's own and `allowed` folders stay writable. New files may be made
    anywhere, and are written again by whom has `made` them. Returns what is to be called with a path that is written
    past Python.
    """
    keeper = _Keeper(str(mirror), made, _free(allowed))
    acts: dict[str, list[Callable[[tuple[Any, ...]], None]]] = {"open": [keeper.opens]}
    for event in CHANGES:
        acts.setdefault(event, []).append(keeper.changes)
    for event in GOES_INTO:
        acts.setdefault(event, []).append(keeper.goes_into)
    for known, act in ((MAKES, keeper.makes), (REMOVES, keeper.removes), (PROGRAMS, keeper.starts)):
        for event, number in known.items():
            acts.setdefault(event, []).append(partial(act, number))

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        if event in acts:  # Of most events that Python tells of nothing is done, and there are dozens in a step.
            for act in acts[event]:
                act(arguments)

    sys.addaudithook(watch)
    return keeper.will_write


@dataclass(frozen=True)
class _Keeper:
    """What is done before Python opens, changes, makes or removes something; `free` places are nobody's concern."""

    root: str
    made: Made
    free: tuple[str, ...]
    owned: set[str] = field(default_factory=set[str])
    """Files that were made the mirror's, as they are named, until their names may mean others or links may have come
    into their way: a script may write one each step."""

    def will_write(self, path: str) -> None:
        if path in self.owned and not os.path.islink(path):
            return
        place = os.path.abspath(path)
        if lies_below(place, self.root):
            own_file(place, self.root)
            if len(self.owned) < MOST_OWNED:
                self.owned.add(path)
            return
        real = os.path.realpath(path)
        if self._is_kept_apart(real) or os.path.isdir(real):
            return  # A folder is opened for a file without a name.
        if not os.path.exists(real):
            self.made.note(real)
        elif not _is_empty(real) and real not in self.made:
            raise OutsideWrite(f"The script would overwrite {real}, which lies outside its working folder.", _TODO)

    def opens(self, arguments: tuple[Any, ...]) -> None:
        path, mode, flags = arguments
        if isinstance(path, (str, bytes)) and _writes(mode, flags):
            self.will_write(os.fsdecode(path))

    def changes(self, arguments: tuple[Any, ...]) -> None:
        for path in _paths(arguments[:1]):
            self.will_write(path)

    def goes_into(self, arguments: tuple[Any, ...]) -> None:
        self.owned.clear()
        for path in _paths(arguments[:1]):
            own_folder(path, self.root)

    def makes(self, at: int, arguments: tuple[Any, ...]) -> None:
        self.owned.clear()
        for path in _paths(arguments[at : at + 1]):
            place = self._place_of(path)
            is_on_the_way = any(lies_below(one, place) for one in self.free)
            if not os.path.lexists(place) and not is_on_the_way and not self._is_kept_apart(place):
                self.made.note(place)

    def removes(self, count: int, arguments: tuple[Any, ...]) -> None:
        for path in _paths(arguments[:count]):
            place = self._place_of(path)
            if os.path.lexists(place) and not self._is_kept_apart(place) and place not in self.made:
                said = f"The script would remove or move {place}, which lies outside its working folder."
                raise OutsideWrite(said, _TODO)
        self.makes(1, arguments[:count])  # Where what is moved comes to lie.

    def starts(self, at: int, arguments: tuple[Any, ...]) -> None:
        self.owned.clear()
        for path in _words(arguments[at]):
            own_file(path, self.root, LARGEST_FOR_OTHERS_BYTES)

    def _place_of(self, path: str) -> str:
        """Where it lies itself (a link is not followed), in a folder that is the mirror's own by now."""
        above = os.path.dirname(os.path.abspath(path))
        own_folder(above, self.root)
        return os.path.join(os.path.realpath(above), os.path.basename(path))

    def _is_kept_apart(self, path: str) -> bool:
        return any(lies_below(path, place) for place in (self.root, *self.free))


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
