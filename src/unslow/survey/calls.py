"""Calls of libraries that habits ask about, noted while a workload that is no script answers some of its requests."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from unslow.core.script import Noted
from unslow.core.workload import Target
from unslow.scripts.notes import Notes, einsums
from unslow.scripts.sites import set_root

WATCHES = (einsums.WATCH,)
"""What is watched of a workload too: the others ask about steps, loaders and optimizers, which only scripts have."""


def watched(target: Target) -> Notes:
    """Watch from now on, before the workload is built; nothing is noted until `noted` is called."""
    file = Path(target.location)
    set_root(str(file.parent if file.suffix == ".py" else Path.cwd()))
    notes = Notes()
    notes.on, notes.stepping = False, True
    for watch in WATCHES:
        watch.begin(notes)
    return notes


def noted(notes: Notes, answer: Callable[[int], Any], calls: int, requests: int) -> dict[str, Any]:
    """The fields of `Facts` that say what was noted while `answer` was called so many times, for so many requests."""
    notes.on = True
    try:
        for place in range(calls):
            answer(place)
    finally:
        notes.on = False
    found: tuple[Noted, ...] = notes.facts()
    return {"noted": found, "noted_requests": requests if found else 0}
