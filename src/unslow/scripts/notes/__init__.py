"""Calls that habits ask about, noted by the place where the user makes them: one file is one kind of call.

A habit of scripts that needs more than where the time goes has its signal here: add a file that ends with
`WATCH = Watch(…)`, and read what it noted with `ScriptFacts.of_kind`.
"""

from __future__ import annotations

from unslow.core.discover import plugins
from unslow.scripts.devices import remember_constructors
from unslow.scripts.imports import when_imported
from unslow.scripts.notes._notes import Notes, Watch
from unslow.scripts.scripted import shown_to_torchscript


def all_watches() -> dict[str, Watch]:
    """Every kind of call that is watched, by the name of its file, sorted."""
    return plugins("unslow.scripts.notes", "WATCH", Watch)


def watch_all(notes: Notes) -> None:
    """Note all that is watched, from now on, in this process; libraries as they are imported."""
    when_imported("torch", remember_constructors)
    shown_to_torchscript()
    for watch in all_watches().values():
        watch.begin(notes)


__all__ = ["Notes", "Watch", "all_watches", "watch_all"]
