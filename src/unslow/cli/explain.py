"""What a habit or a fix is, when it helps, what it risks."""

from __future__ import annotations

import difflib
import re
import shutil
import textwrap
from collections.abc import Iterable, Mapping, Sequence

import click

from unslow.core.discover import documentation, plugins
from unslow.core.errors import BadUsage
from unslow.core.finding import Area, Habit
from unslow.core.variant import Fix, Parameters, Tag

HELP = """Explains the habit or the fix NAME: what it is, how it shows, when it does not matter, what it risks.

Without NAME it lists all of them.

\b
Examples:
  unslow explain
  unslow explain float64-compute
  unslow explain int8-static
"""

WIDEST = 100
HABITS = "unslow.habits"
FIXES = "unslow.fixes"
AREAS: Mapping[Area, str] = {
    "data": "of data and loaders",
    "numbers": "of types and batches",
    "inference": "of inference",
    "host": "of the host",
    "device": "of devices and training",
}
IN_A_SCRIPT: Parameters = {"calls": (), "site": {}, "times": 2}
"""As the parameters of a fix's form for scripts look."""
TAGS: Mapping[Tag, str] = {
    "exact": "the same bits are expected, and checked",
    "numeric": "nearly the same numbers are expected; the error is measured",
    "lossy": "other numbers; it wins only where the metric shows that little is lost",
}


@click.command(help=HELP)
@click.argument("name", required=False)
def explain(name: str | None) -> None:
    habits, fixes = everything()
    if name is None:
        for title, names in by_area(habits).items():
            _list(f"Habits {title} (what may be wrong)", HABITS, names)
        for title, names in by_what_they_are_for(fixes).items():
            _list(f"Fixes {title} (what is tried)", FIXES, names)
        return
    found = find(name, (*habits, *fixes))
    if found in habits:
        _show(found, HABITS, about_habit(habits[found], fixes))
    else:
        _show(found, FIXES, about_fix(fixes[found]))


def everything() -> tuple[dict[str, Habit], dict[str, Fix]]:
    """Every habit and every fix by its name, each sorted."""
    return plugins(HABITS, "HABIT", Habit), plugins(FIXES, "FIX", Fix)


def by_area(habits: Mapping[str, Habit]) -> dict[str, list[str]]:
    """The names of the habits, by what they are about."""
    groups: dict[str, list[str]] = {title: [] for title in AREAS.values()}
    for name, habit in habits.items():
        groups[AREAS[habit.area]].append(name)
    return groups


def by_what_they_are_for(fixes: Mapping[str, Fix]) -> dict[str, list[str]]:
    """The names of the fixes: for models, for scripts, for both."""
    groups: dict[str, list[str]] = {"of models": [], "of models and of scripts": [], "of scripts": []}
    for name, fix in fixes.items():
        script, model = "script" in fix.runtimes, bool(fix.runtimes - {"script"})
        title = "of models and of scripts" if script and model else "of scripts" if script else "of models"
        groups[title].append(name)
    return groups


def first_sentence(sections: Mapping[str, str]) -> str:
    """What a habit or a fix is, in a sentence."""
    paragraph = " ".join(sections[""].split("\n\n")[0].split())
    return re.split(r"(?<=[.!?]) (?=[A-Z`])", paragraph)[0]


def find(name: str, names: Sequence[str]) -> str:
    """`name` as it is known, whatever its case and its dashes.

    Raises
    ------
    BadUsage
        Nothing is called so; says which names are close.
    """
    wanted = name.strip().lower().replace("_", "-")
    if wanted in names:
        return wanted
    within = [known for known in names if wanted and wanted in known]
    close = difflib.get_close_matches(wanted, names, n=3) or within[:3]
    hint = f"Did you mean {' or '.join(close)}?" if close else "All names: unslow explain"
    raise BadUsage(f"There is no habit and no fix {name!r}.", hint)


def about_habit(habit: Habit, fixes: Mapping[str, Fix]) -> list[tuple[str, str]]:
    """What a habit's page says besides its documentation: which fixes treat it."""
    treating = [f"{fix.name}: {fix.does}" for fix in fixes.values() if habit.name in fix.treats]
    if not treating:
        by_hand = "None: a finding says what to do by hand." if habit.advice_only else "None that is installed."
        return [("Fixes", by_hand)]
    return [("Fixes", "\n".join(treating))]


def about_fix(fix: Fix) -> list[tuple[str, str]]:
    """What a fix's page says besides its documentation: what it treats, how its outputs are judged, what it needs."""
    rows = [
        ("Treats", ", ".join(fix.treats)),
        ("Outputs", _tags(fix)),
        ("Runtimes", ", ".join(sorted(fix.runtimes))),
        ("Needs", f"pip install 'unslow[{fix.extra}]'" if fix.extra else ""),
    ]
    return [(title, text) for title, text in rows if text]


def _tags(fix: Fix) -> str:
    """How its outputs are judged; its form for scripts may be another thing."""
    said = f"{fix.tag}: {TAGS[fix.tag]}"
    in_a_script = fix.tag if fix.tag_with is None else fix.tag_with(IN_A_SCRIPT)
    return said if in_a_script == fix.tag else f"{said}\nin a script {in_a_script}: {TAGS[in_a_script]}"


def _list(title: str, package: str, names: Iterable[str]) -> None:
    click.secho(title, bold=True)
    for name in names:
        said = first_sentence(documentation(module_of(package, name)))
        click.echo(textwrap.fill(f"{name:30} {said}", _width(), initial_indent="  ", subsequent_indent=" " * 33))
    click.echo()


def _show(name: str, package: str, about: Iterable[tuple[str, str]]) -> None:
    sections = documentation(module_of(package, name))
    click.secho(name, bold=True)
    click.echo(filled(sections.pop(""), _width()))
    rows = [(title, filled(text, _width() - 2)) for title, text in sections.items()]
    rows += [(title, "\n".join(filled(line, _width() - 2) for line in text.splitlines())) for title, text in about]
    for title, text in rows:
        click.echo()
        click.secho(title, bold=True)
        click.echo(textwrap.indent(text, "  "))


def filled(text: str, width: int) -> str:
    """The paragraphs of `text`, wrapped anew; what is indented or a list stays as it is."""
    as_they_are = re.compile(r"^(\s|[-*] |>>> )", re.MULTILINE)
    paragraphs = text.split("\n\n")
    wrap = textwrap.TextWrapper(width, break_long_words=False, break_on_hyphens=False)
    return "\n\n".join(one if as_they_are.search(one) else wrap.fill(one) for one in paragraphs)


def _width() -> int:
    return max(40, min(WIDEST, shutil.get_terminal_size().columns))


def module_of(package: str, name: str) -> str:
    return f"{package}.{name.replace('-', '_')}"


COMMAND = explain
