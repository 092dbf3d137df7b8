"""A working folder of its own for each run of a script: what it writes lands there, never among the user's files.

Folders are real, small files are copies, large ones are links to the user's. What lies around the working folder is
linked in its place, so that `../data` is found. Before a link is written through, it is made the mirror's own
(`overlay.py`, `writes.py`), as an overlay file system does. Folders with very many entries (data sets), environments
and repositories are linked as a whole.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from unslow.scripts.overlay import own_folder

LARGEST_COPY_BYTES = 4_000_000
MOST_COPIED_BYTES = 200_000_000
MOST_ENTRIES = 2_000
MOST_COPIED_ENTRIES = 5_000
LEFT_OUT = frozenset({"unslow-runs", "__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache"})
LINKED = frozenset({".git", ".hg", "node_modules", "site-packages", ".venv", "venv", "env"})
OF_A_RUN = Path("work", "target.json")
"""What only the folder of a run of unslow holds."""


@dataclass(frozen=True)
class Mirror:
    """The copy (`folder`) of the user's working folder (`original`), and where the script lies. All that is mirrored
    lies below `root`, each thing where it lies on the disk. What the script makes elsewhere is noted in the file `made`
    (None: in one of the mirror's own)."""

    folder: Path
    original: Path
    script: Path
    root: Path
    made: Path | None = None

    def place_of(self, path: Path) -> Path:
        """Where what lies at an absolute `path` is in the mirror."""
        return _within(self.root, path)

    def original_of(self, path: Path) -> Path:
        """The user's own of a path of the mirror."""
        return Path(self.original.anchor) / path.relative_to(self.root)


def mirrored(
    directory: Path, script: Path, into: Path, patched: Mapping[str, Path] | None = None, made: Path | None = None
) -> Mirror:
    """Mirror the working folder into `into`, and the script's own folder, where that lies elsewhere.

    `patched` are files to be put in their places, by their path relative to the working folder (to the script's own, of
    one that lies elsewhere).
    """
    mirror = Mirror(_within(into, directory), directory, _within(into, script), into, made)
    copier = _Copier(into)
    base = directory if script.is_relative_to(directory) else script.parent
    if not directory.is_relative_to(base):
        copier.folder(directory, mirror.folder)
    copier.folder(base, mirror.place_of(base))
    for folder in (directory, script.parent):
        _link_around(folder, mirror)
        own_folder(mirror.place_of(folder), into)
    for name, file in (patched or {}).items():
        place = mirror.place_of(base / name)
        place.parent.mkdir(parents=True, exist_ok=True)
        own_folder(place.parent, into)
        place.unlink(missing_ok=True)
        shutil.copyfile(file, place)
    return mirror


def _within(root: Path, path: Path) -> Path:
    return root / path.relative_to(path.anchor)


def _link_around(folder: Path, mirror: Mirror) -> None:
    """Beside each folder on the way from the disk's root, links to what lies there; where that can be seen."""
    for parent in folder.parents:
        with contextlib.suppress(OSError):
            for entry in sorted(os.listdir(parent))[:MOST_ENTRIES]:
                place = mirror.place_of(parent / entry)
                if entry not in LEFT_OUT and not os.path.lexists(place):
                    place.symlink_to(parent / entry)


class _Copier:
    """Counts what it has copied: of a folder full of data only what lies near its top is copied, the rest is linked."""

    def __init__(self, into: Path) -> None:
        self._into = into
        self._bytes, self._entries = MOST_COPIED_BYTES, MOST_COPIED_ENTRIES

    def folder(self, source: Path, target: Path) -> None:
        waiting = deque([(source, target)])
        while waiting:
            source, target = waiting.popleft()
            target.mkdir(parents=True, exist_ok=True)
            with os.scandir(source) as entries:
                found = sorted(entries, key=lambda entry: entry.name)
            for entry in found:
                place = target / entry.name
                if entry.name in LEFT_OUT or self._into == Path(entry.path) or _is_a_run(entry):
                    continue
                self._entries -= 1
                if entry.is_dir(follow_symlinks=False) and not self._is_linked(entry):
                    waiting.append((Path(entry.path), place))
                elif not self._copied(entry, place):
                    place.symlink_to(os.path.realpath(entry.path))

    def _copied(self, entry: os.DirEntry[str], place: Path) -> bool:
        """Whether it is a copy now: what is no file, too large, gone by now or not to be read is not."""
        with contextlib.suppress(OSError):
            if entry.is_file(follow_symlinks=False) and self._is_copied(entry.stat().st_size):
                shutil.copy2(entry.path, place)
                return True
        place.unlink(missing_ok=True)  # What was copied of it.
        return False

    def _is_copied(self, size: int) -> bool:
        if size > LARGEST_COPY_BYTES or size > self._bytes or self._entries < 0:
            return False
        self._bytes -= size
        return True

    def _is_linked(self, folder: os.DirEntry[str]) -> bool:
        """An environment, a repository, a folder with very many entries, one that cannot be read, or one more than is
        copied. One that the mirror itself lies in cannot be."""
        if self._into.is_relative_to(folder.path):
            return False
        if folder.name in LINKED or self._entries < 0 or os.path.exists(os.path.join(folder.path, "pyvenv.cfg")):
            return True
        try:
            with os.scandir(folder.path) as entries:
                return sum(1 for _ in entries) > MOST_ENTRIES
        except OSError:
            return True


def _is_a_run(entry: os.DirEntry[str]) -> bool:
    return entry.is_dir(follow_symlinks=False) and os.path.exists(os.path.join(entry.path, OF_A_RUN))
