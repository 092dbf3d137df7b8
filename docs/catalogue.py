"""Writes a page for every habit and every fix, and an index of them, from their docstrings: `make docs`.

The pages are built, not kept: adding a habit stays one file and one test, and no page can say something else than
`unslow explain`. `tests/docs/` builds them all and follows every link.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from unslow.cli.explain import (
    FIXES,
    HABITS,
    about_fix,
    by_area,
    by_what_they_are_for,
    everything,
    first_sentence,
    module_of,
)
from unslow.core.discover import documentation
from unslow.core.finding import Habit
from unslow.core.variant import Fix

FOLDER = Path(__file__).parent / "catalogue"
BY_HAND = "None: a finding says what to do by hand."


def pages() -> dict[str, str]:
    """The text of every page by its path in the catalogue."""
    habits, fixes = everything()
    found = {f"habits/{name}.md": habit_page(habit, fixes) for name, habit in habits.items()}
    found |= {f"fixes/{name}.md": fix_page(fix, habits) for name, fix in fixes.items()}
    return {"README.md": index(habits, fixes), **found}


def index(habits: Mapping[str, Habit], fixes: Mapping[str, Fix]) -> str:
    """One line each."""
    lines = [
        "# Habits and fixes",
        "",
        "Made from the docstrings by `make docs`.",
    ]
    for title, names in by_area(habits).items():
        lines += ["", f"## Habits {title}: what may be wrong", "", *(_line("habits", HABITS, name) for name in names)]
    for title, names in by_what_they_are_for(fixes).items():
        lines += ["", f"## Fixes {title}: what is tried", "", *(_line("fixes", FIXES, name) for name in names)]
    return "\n".join([*lines, ""])


def _line(room: str, package: str, name: str) -> str:
    return f"- [{name}]({room}/{name}.md): {first_sentence(documentation(module_of(package, name)))}"


def habit_page(habit: Habit, fixes: Mapping[str, Fix]) -> str:
    """Its documentation, and the fixes that treat it."""
    treating = [
        f"- [{fix.name}](../fixes/{fix.name}.md): {fix.does}" for fix in fixes.values() if habit.name in fix.treats
    ]
    return _page(habit.name, HABITS, {"Fixes": "\n".join(treating) or BY_HAND})


def fix_page(fix: Fix, habits: Iterable[str]) -> str:
    """Its documentation, the habits that it treats, how its outputs are judged, and what it needs."""
    known = set(habits)
    treats = [f"[{name}](../habits/{name}.md)" if name in known else name for name in fix.treats]
    about = {**dict(about_fix(fix)), "Treats": ", ".join(treats)}
    return _page(fix.name, FIXES, {title: text for title, text in about.items() if text})


def _page(name: str, package: str, about: Mapping[str, str]) -> str:
    sections = {**documentation(module_of(package, name)), **about}
    head = f"[All habits and fixes](../README.md)\n\n# {name}\n\n{sections.pop('')}\n"
    return head + "".join(f"\n## {title}\n\n{text}\n" for title, text in sections.items())


def write(folder: Path) -> int:
    """Writes them all in place of what was there; returns how many."""
    shutil.rmtree(folder, ignore_errors=True)
    found = pages()
    for path, text in found.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    return len(found)


if __name__ == "__main__":
    sys.stdout.write(f"{write(FOLDER)} pages in {FOLDER}\n")
