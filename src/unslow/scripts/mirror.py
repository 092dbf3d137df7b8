"""A working folder of its own for each run of a script: what it writes lands there, never among the user's files.

Folders are real, small files are copies, large ones are links to the user's. Before a linked file is opened for
writing it is copied (`writes.py` sees to that), as an overlay file system does. Folders with very many entries
(data sets), environments and repositories are linked as a whole.
"""

from __future__ import annotations

import os
import shutil
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

LARGEST_COPY_BYTES = 4_000_000
MOST_COPIED_BYTES = 200_000_000
MOST_ENTRIES = 2_000
MOST_COPIED_ENTRIES = 5_000
LEFT_OUT = frozenset({"unslow-runs", "__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache"})
LINKED = frozenset({".git", ".hg", "node_modules", "site-packages", ".venv", "venv", "env"})


@dataclass(frozen=True)
class Mirror:
    """The copy (`folder`) of the user's working folder (`original`), and where the script lies in it."""

    folder: Path
    original: Path
    script: Path


def mirrored(directory: Path, script: Path, into: Path, patched: Mapping[str, Path] | None = None) -> Mirror:
    """Mirror the working folder into `into`; a script that lies elsewhere gets its own folder mirrored beside it.

    `patched` are files to be put in their places, by their path relative to the working folder (to the script's own, of
    one that lies elsewhere).
    """
    folder = into / directory.name if directory.name else into / "root"
    copier = _Copier(into)
    copier.folder(directory, folder)
    if script.is_relative_to(directory):
        base, inside = folder, folder / script.relative_to(directory)
    else:
        base = into / "script" / script.parent.name
        copier.folder(script.parent, base)
        inside = base / script.name
    for name, file in (patched or {}).items():
        place = base / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.unlink(missing_ok=True)
        shutil.copyfile(file, place)
    return Mirror(folder, directory, inside)


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
                if entry.name in LEFT_OUT or self._into.is_relative_to(entry.path):
                    continue
                self._entries -= 1
                if entry.is_dir(follow_symlinks=False) and not self._is_linked(entry):
                    waiting.append((Path(entry.path), place))
                elif entry.is_file(follow_symlinks=False) and self._is_copied(entry.stat().st_size):
                    shutil.copy2(entry.path, place)
                else:
                    place.symlink_to(os.path.realpath(entry.path))

    def _is_copied(self, size: int) -> bool:
        if size > LARGEST_COPY_BYTES or size > self._bytes or self._entries < 0:
            return False
        self._bytes -= size
        return True

    def _is_linked(self, folder: os.DirEntry[str]) -> bool:
        """An environment, a repository, a folder with very many entries, or one more than is copied."""
        if folder.name in LINKED or self._entries < 0 or os.path.exists(os.path.join(folder.path, "pyvenv.cfg")):
            return True
        with os.scandir(folder.path) as entries:
            return sum(1 for _ in entries) > MOST_ENTRIES
