"""What loaders returned, kept by the loader and its arguments."""

from __future__ import annotations

import copy
import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from pathlib import Path
from typing import Any, cast, final

# More than a program has models; bounds what is held where arguments differ in every call.
MOST_KEPT = 64
PLAIN = (str, bytes, int, float, bool, type(None))


@final
class Keeper:
    """`once` loads at the first call of equal arguments and gives the same object afterwards.

    `loads` and `hits` count both. Arguments are equal by value where they are plain, or are the same object; a path
    stands for its file as it is now. What is read from an open file is never kept.
    """

    def __init__(self) -> None:
        self.loads = 0
        self.hits = 0
        self._kept: OrderedDict[Hashable, tuple[Any, Any]] = OrderedDict()
        self._replacements: dict[int, tuple[Any, Any]] = {}
        # Loaders call each other (an AutoModel its class, that one torch.load), and two clients may load at a time.
        self._lock = threading.RLock()

    def once(self, loader: str, load: Callable[[], Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        """What `load` returned for these arguments at the first call; a dict comes as a shallow copy of its own."""
        key = None if any(map(_is_stream, args)) else (loader, key_of(args), key_of(dict(kwargs)))
        with self._lock:
            if key in self._kept:
                self.hits += 1
                self._kept.move_to_end(key)
                return _own(self._kept[key][0])
            self.loads += 1
            loaded = load()
            if key is not None:
                # The arguments are held too: a key may name one by its id, which must not be given out again.
                self._kept[key] = (loaded, (args, kwargs))
                if len(self._kept) > MOST_KEPT:
                    self._kept.popitem(last=False)
            return _own(loaded)

    def replacement(self, before: Any, make: Callable[[], Any]) -> Any:
        """The replacement of a loader, made once."""
        if id(before) not in self._replacements:
            self._replacements[id(before)] = (before, make())
        return self._replacements[id(before)][1]


def key_of(argument: object) -> Hashable:
    """What makes arguments equal: the values of plain types, containers and session options; else identity."""
    value: Any = os.fspath(argument) if isinstance(argument, Path) else argument
    if isinstance(value, str):
        return ("text", value, _file_state(value))
    if isinstance(value, PLAIN):
        return (type(value).__name__, value)
    if isinstance(value, Mapping):
        return ("dict", tuple(map(key_of, cast("Mapping[Any, Any]", value).items())))
    if isinstance(value, (list, tuple)):
        return ("sequence", tuple(map(key_of, cast("list[Any]", value))))
    if type(value).__name__ == "SessionOptions":
        return ("options", tuple((name, repr(getattr(value, name))) for name in _plain_attributes(value)))
    return ("object", id(value))


def _plain_attributes(value: Any) -> list[str]:
    names = [name for name in dir(value) if not name.startswith("_")]
    return [name for name in names if not callable(getattr(value, name))]


def _file_state(text: str) -> tuple[int, int] | None:
    """Time and size of the file that the text names, if it does."""
    if not text or "\0" in text or len(text) > os.pathconf("/", "PC_PATH_MAX"):
        return None
    path = Path(text)
    try:
        state = path.stat()
    except OSError:
        return None
    return state.st_mtime_ns, state.st_size


def _is_stream(value: Any) -> bool:
    return hasattr(value, "read")


def _own(loaded: Any) -> Any:
    mapping: Any = loaded
    return copy.copy(mapping) if isinstance(loaded, dict) else loaded
