"""Every renderer, found by walking the package, takes every report: whatever won, failed, or stands in its strings."""

from __future__ import annotations

import importlib
import json
import pkgutil
from dataclasses import replace
from pathlib import Path

import pytest
from tests.report import build

import unslow.report
from unslow.report._renderer import Renderer

OF_A_PROFILE = {"perfetto"}
"""Files of the package that render a profile alone; they have tests of their own."""
TESTS = Path(__file__).parents[1] / "report"
REPORTS = build.all_reports()


def renderers() -> dict[str, Renderer]:
    names = sorted(info.name for info in pkgutil.iter_modules(unslow.report.__path__) if not info.name.startswith("_"))
    return {
        name: importlib.import_module(f"unslow.report.{name}").RENDERER for name in names if name not in OF_A_PROFILE
    }


FOUND = renderers()


def test_the_renderers_are_found() -> None:
    assert {"json", "notebook", "page", "terminal"} <= FOUND.keys()


@pytest.mark.parametrize("name", FOUND)
def test_a_renderer_is_named_as_its_file_and_has_a_test_and_documentation(name: str) -> None:
    assert FOUND[name].name == name
    assert (TESTS / f"test_{name}.py").exists()
    assert importlib.import_module(f"unslow.report.{name}").__doc__


def test_no_two_renderers_write_the_same_file() -> None:
    files = [renderer.file for renderer in FOUND.values() if renderer.file]
    assert len(files) == len(set(files))


@pytest.mark.parametrize("report", REPORTS)
@pytest.mark.parametrize("name", FOUND)
def test_it_takes_every_report(name: str, report: str) -> None:
    text = FOUND[name].render(REPORTS[report], None)
    assert text.encode("utf-8")
    assert "\x1b" not in text and "\x00" not in text and "\u202e" not in text, "a control character came through"


@pytest.mark.parametrize("name", FOUND)
def test_it_takes_a_profile_with_hostile_names(name: str) -> None:
    assert FOUND[name].render(REPORTS["winner"], build.hostile_profile()).encode("utf-8")


@pytest.mark.parametrize("name", FOUND)
def test_the_winner_and_its_interval_are_said(name: str) -> None:
    text = FOUND[name].render(REPORTS["winner"], build.profile())
    said = ("2.13", "2.05", "2.21") if name != "json" else tuple(str(v) for v in (2.13, 2.05, 2.21))
    assert all(number in text for number in said)


@pytest.mark.parametrize("name", FOUND)
@pytest.mark.parametrize("report", ["winner", "nothing-helped", "all-failed", "unproven"])
def test_every_losing_variant_is_there_with_its_reason(name: str, report: str) -> None:
    text = " ".join(FOUND[name].render(REPORTS[report], None).split()).replace("&#39;", "'")
    for trial in REPORTS[report].trials:
        assert all(fix.name in text for fix in trial.fixes)
        if name != "terminal":  # Narrow columns wrap: words of other columns stand between.
            assert trial.reason in text


@pytest.mark.parametrize("name", ["notebook", "page", "terminal"])
@pytest.mark.parametrize("report", ["nothing-helped", "all-failed", "unproven", "interrupted", "nothing-tried"])
def test_without_a_winner_it_says_that_nothing_helped_and_why(name: str, report: str) -> None:
    text = FOUND[name].render(REPORTS[report], None)
    assert "Nothing helped" in text
    assert "faster (" not in text.split("stays as it is")[0]


@pytest.mark.parametrize("name", FOUND)
def test_the_same_report_gives_the_same_text(name: str) -> None:
    assert FOUND[name].render(REPORTS["winner"], None) == FOUND[name].render(REPORTS["winner"], None)


def test_the_hostile_text_survives_where_it_is_data() -> None:
    data = json.loads(FOUND["json"].render(REPORTS["hostile"], None))
    assert data["target"] == build.HOSTILE


@pytest.mark.parametrize("name", FOUND)
def test_the_load_is_said_where_it_is_not_one_request_at_a_time(name: str) -> None:
    plain = replace(REPORTS["winner"], load="One request at a time.")
    if name != "json":
        assert "Load:" not in FOUND[name].render(plain, None)
    assert "a closed loop of 2 clients, batches of 4" in " ".join(FOUND[name].render(REPORTS["winner"], None).split())
