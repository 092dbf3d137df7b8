"""The form of the planted programs; what `unslow diagnose` says of them is a matter of `bench/planted.py`."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from bench._planted import program_of
from unslow.cli.explain import everything

PROGRAMS = sorted((Path(__file__).parent / "programs").glob("*.py"))
SAMPLES = re.compile(r"^Samples per step: \d+, \d+$", re.MULTILINE)


def lines(program: Path) -> list[str]:
    """Of its docstring, once it has compiled."""
    source = program.read_text(encoding="utf-8")
    compile(source, str(program), "exec")
    return (ast.get_docstring(ast.parse(source)) or "").splitlines()


def planted(program: Path) -> str:
    """The habit, or "nothing"."""
    return next((line.removeprefix("Planted: ") for line in lines(program) if line.startswith("Planted: ")), "")


def test_there_are_programs_of_both_kinds() -> None:
    clean = [program for program in PROGRAMS if planted(program) == "nothing"]
    assert clean and len(clean) < len(PROGRAMS)


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.stem)
def test_its_docstring_says_what_is_planted_and_how_it_is_removed(program: Path) -> None:
    first, blank, *rest = lines(program)
    assert first and not blank
    said = [line.partition(": ")[0] for line in rest if line.startswith(("Planted: ", "By hand: "))]
    assert said == ["Planted", "By hand"]
    program_of(program)
    assert all(SAMPLES.match(line) for line in rest if line.startswith("Samples"))


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.stem)
def test_the_habit_is_one_that_is_explained_and_the_flag_removes_it(program: Path) -> None:
    source, habit = program.read_text(encoding="utf-8"), planted(program)
    by_flag = '"--fixed" in sys.argv' in source and source.count("FIXED") > 1
    assert habit == "nothing" or (habit in everything()[0] and (by_flag or "def fixed(" in source))
