"""Links of a mirror to the user's files and folders, made the mirror's own before they are changed.

A link to a folder becomes a real folder of links, a link to a file a copy: what is then written, made, moved or removed
there is the mirror's alone.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path


def lies_below(path: str, folder: str) -> bool:
    """Whether a path is that of the folder, or of what is in it; both absolute, as they are written."""
    return path == folder or path.startswith(folder + os.sep)


def own_folder(folder: str | Path, root: str | Path) -> None:
    """Make `folder`, and every folder between it and `root`, a real one; what is not there, or no folder, stays so.

    A path that does not lie below `root`, as it is written, is left alone.
    """
    root = str(root)
    place = os.path.abspath(folder)
    if not lies_below(place, root):
        return
    reached = root
    for name in Path(os.path.relpath(place, root)).parts:
        reached = os.path.join(reached, name)
        if os.path.islink(reached) and os.path.isdir(reached):
            _opened_up(reached)


def own_file(path: str | Path, root: str | Path, most_bytes: int | None = None) -> None:
    """Make a file below `root` the mirror's: the folders on its way, and a copy of it, where it is a link to one of at
    most so many bytes."""
    place = os.path.abspath(path)
    if not lies_below(place, str(root)):
        return
    own_folder(os.path.dirname(place), root)
    real = os.path.realpath(place)
    if not os.path.islink(place) or not os.path.isfile(real):
        return
    if most_bytes is None or os.path.getsize(real) <= most_bytes:
        with contextlib.suppress(FileNotFoundError):  # Another process of the script's was quicker.
            os.unlink(place)
        shutil.copy2(real, place)


def _opened_up(link: str) -> None:
    source = os.path.realpath(link)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(link)
    os.makedirs(link, exist_ok=True)
    with os.scandir(source) as entries:
        for entry in entries:
            with contextlib.suppress(FileExistsError):
                os.symlink(entry.path, os.path.join(link, entry.name))
