from __future__ import annotations

import pytest
from click.testing import CliRunner

from unslow.cli.explain import (
    COMMAND,
    about_fix,
    about_habit,
    by_area,
    by_what_they_are_for,
    everything,
    filled,
    find,
    first_sentence,
)
from unslow.core.discover import HEADINGS
from unslow.core.errors import BadUsage
from unslow.core.finding import Habit
from unslow.core.variant import Fix

NAMES = ("autograd-at-inference", "float64-compute", "int8-dynamic", "int8-static")
HABIT = Habit("float64-compute", "numbers", lambda evidence: ())
FIX = Fix(
    name="float32",
    does="computes in float32",
    tag="lossy",
    slot="precision",
    treats=("float64-compute",),
    runtimes=frozenset({"torch"}),
    apply=lambda workload, parameters, workshop: workload,
    extra="torch",
)


@pytest.mark.parametrize("name", ["", "zzzzzz", "  "])
def test_a_name_like_nothing_is_answered_with_where_all_names_are(name: str) -> None:
    with pytest.raises(BadUsage) as caught:
        find(name, NAMES)
    assert caught.value.todo == "All names: unslow explain"


@pytest.mark.parametrize(
    ("name", "close"),
    [("float46-compute", "float64-compute"), ("static", "int8-static"), ("autograd", "autograd-at-inference")],
)
def test_a_mistyped_name_is_answered_with_close_ones(name: str, close: str) -> None:
    with pytest.raises(BadUsage) as caught:
        find(name, NAMES)
    assert caught.value.what == f"There is no habit and no fix {name!r}."
    assert close in caught.value.todo


@pytest.mark.parametrize("name", ["int8-static", "int8_static", " INT8-Static "])
def test_case_and_dashes_do_not_matter(name: str) -> None:
    assert find(name, NAMES) == "int8-static"


def test_a_habit_without_a_fix_says_what_then() -> None:
    assert about_habit(Habit("x", "host", lambda evidence: (), advice_only=True), {"float32": FIX}) == [
        ("Fixes", "None: a finding says what to do by hand.")
    ]
    assert about_habit(HABIT, {}) == [("Fixes", "None that is installed.")]


def test_a_habit_names_the_fixes_that_treat_it() -> None:
    assert about_habit(HABIT, {"float32": FIX}) == [("Fixes", "float32: computes in float32")]


def test_a_fix_says_what_it_treats_risks_and_needs() -> None:
    about = dict(about_fix(FIX))
    assert about["Treats"] == "float64-compute"
    assert about["Outputs"].startswith("lossy: ")
    assert about["Needs"] == "pip install 'unslow[torch]'"


def test_without_a_name_everything_is_listed() -> None:
    habits, fixes = everything()
    shown = CliRunner().invoke(COMMAND, []).output
    assert [name for name in (*habits, *fixes) if f"  {name} " not in shown] == []


def test_every_habit_and_fix_can_be_explained() -> None:
    habits, fixes = everything()
    assert habits
    assert fixes
    for name in (*habits, *fixes):
        result = CliRunner().invoke(COMMAND, [name])
        assert result.exit_code == 0
        assert [heading for heading in HEADINGS if heading not in result.output] == []


def test_what_is_a_list_or_indented_is_not_wrapped() -> None:
    assert filled("a b\nc\n\n- d\n- e\n\n  f\n  g", 40) == "a b c\n\n- d\n- e\n\n  f\n  g"


def test_a_first_sentence_may_have_several_lines() -> None:
    assert first_sentence({"": "Stores weights in\n8 bits, e.g. on x86. More follows."}) == (
        "Stores weights in 8 bits, e.g. on x86."
    )


def test_lines_fit_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "72")
    for asked in ([], ["int8-static"], ["full-precision-compute"]):
        shown = CliRunner().invoke(COMMAND, asked).output
        assert max(map(len, shown.splitlines())) <= 72
        assert "\x1b" not in shown


def test_every_fix_is_in_one_group() -> None:
    _, fixes = everything()
    groups = by_what_they_are_for(fixes)
    assert sorted(name for names in groups.values() for name in names) == sorted(fixes)
    assert "loader-workers" in groups["of scripts"] and "int8-static" in groups["of models"]


def test_habits_are_listed_by_what_they_are_about_each_once() -> None:
    habits, _ = everything()
    groups = by_area(habits)
    assert sorted(name for names in groups.values() for name in names) == sorted(habits)
    assert "float64-compute" in groups["of types and batches"] and all(groups.values())


def test_help_has_examples() -> None:
    assert "Examples:" in CliRunner().invoke(COMMAND, ["--help"]).output
