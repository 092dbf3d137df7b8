"""What runs of a script have made outside of their mirrors, to be removed when unslow ends.

A new file may be made anywhere (`--out /data/run1`): nothing of the user's is lost by that. But it is none of the
user's results either, and a script that goes on where it was left would begin with it. So each is noted in a file that
all processes of a run of unslow share, and which outlives those that are killed.
"""

from __future__ import annotations

import contextlib
import json
import os
import stat
from collections.abc import Set
from pathlib import Path
from typing import final

LOG = "made.jsonl"
"""In the folder of the survey: a path in each line."""


@final
class Made:
    """The files and folders that are noted in `log`; other processes add to it."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._read = 0
        self._known: set[str] = set()

    def note(self, path: str) -> None:
        """It is about to be made, where nothing is."""
        if path in self._known:
            return
        self._known.add(path)
        with contextlib.suppress(OSError):  # The run is over, and its folder gone.
            line = (json.dumps(path) + "\n").encode()
            handle = os.open(self._log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
            try:
                os.write(handle, line)
            finally:
                os.close(handle)

    def __contains__(self, path: str) -> bool:
        """Whether it was made by this run, or lies in a folder that was."""
        return _lies_in_one_of(self._known, path) or (self._learned() and _lies_in_one_of(self._known, path))

    def _learned(self) -> bool:
        """Whether other processes have noted more."""
        try:
            with open(self._log, "rb") as log:
                log.seek(self._read)
                lines = log.read()
        except OSError:
            return False
        whole = lines[: lines.rfind(b"\n") + 1]
        self._read += len(whole)
        self._known.update(json.loads(line) for line in whole.splitlines())
        return bool(whole)


def remove_made(log: Path) -> tuple[str, ...]:
    """Remove what is noted in `log`, and the log; returns what is gone, the outermost of it. A folder goes only where
    nothing else is left in it: somebody else may have put it there meanwhile."""
    try:
        noted: list[str] = [json.loads(line) for line in log.read_bytes().splitlines()]
    except (OSError, ValueError):
        return ()
    deepest_first = sorted(dict.fromkeys(noted), key=lambda path: -path.count(os.sep))
    removed = {path for path in deepest_first if os.path.lexists(path) and _removed(path)}
    log.unlink(missing_ok=True)
    return tuple(
        path for path in dict.fromkeys(noted) if path in removed and not _lies_in_one_of(removed, os.path.dirname(path))
    )


def _lies_in_one_of(known: Set[str], path: str) -> bool:
    """Whether the path is one of these, or lies in a folder that is."""
    above = os.path.dirname(path)
    return path in known or (above != path and _lies_in_one_of(known, above))


def _removed(path: str) -> bool:
    with contextlib.suppress(OSError):
        if stat.S_ISDIR(os.lstat(path).st_mode):
            os.rmdir(path)
        else:
            os.unlink(path)
        return True
    return False
