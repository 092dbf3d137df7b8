"""Which files the known loaders of models open: past Python, where nothing else sees it, as through it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, final

from unslow.runtimes._keep_loaded import changes_for


@contextmanager
def loads_watched(opened: Counter[str]) -> Generator[None]:
    """While it lasts, adds the file that a loader was given to `opened`, if whoever counts there has not seen it.

    Of a folder its largest file counts: the weights.
    """
    changes = changes_for(_Watcher(opened))
    for change in changes:
        setattr(change.owner, change.name, change.after)
    try:
        yield
    finally:
        for change in reversed(changes):
            setattr(change.owner, change.name, change.before)


@final
class _Watcher:
    """Loads every time, as the loader would, and counts."""

    def __init__(self, opened: Counter[str]) -> None:
        self._opened = opened

    def once(self, loader: str, load: Callable[[], Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        files = [file for value in (*args, *kwargs.values()) if (file := _file_of(value))]
        before = {file: self._opened[file] for file in files}
        loaded = load()
        for file, seen in before.items():
            self._opened[file] = max(self._opened[file], seen + 1)
        return loaded

    def replacement(self, before: Any, make: Callable[[], Any]) -> Any:
        return make()


def _file_of(value: object) -> str:
    """The file that an argument names, "" if it names none."""
    if not isinstance(value, (str, Path)):
        return ""
    try:
        path = Path(value)
        if path.is_file():
            return str(value)
        inside = [file for file in path.iterdir() if file.is_file()] if path.is_dir() else []
    except (OSError, ValueError):  # A text that is no path at all.
        return ""
    return str(max(inside, key=lambda file: file.stat().st_size, default=""))
