"""What a notebook shows: a fragment without scripts, escaped."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.report import build

from unslow.report.notebook import comparison_html, profile_html, summary_html

REPORTS = build.all_reports()


@pytest.mark.parametrize("name", REPORTS)
def test_it_is_a_fragment_without_scripts(name: str) -> None:
    text = summary_html(REPORTS[name])
    assert "<script" not in text and "<img" not in text and "<html" not in text
    assert text.count("<div") == text.count("</div") == 1


def test_it_says_the_verdict_and_the_figures() -> None:
    text = summary_html(REPORTS["winner"])
    assert "<strong>2.13× faster</strong> (2.05 to 2.21), outputs kept" in text
    assert "24.8 ms" in text and "11.6 ms" in text


def test_a_diagnosis_says_what_slows_it_and_nothing_of_helping() -> None:
    report = replace(build.winner(), trials=(), winner=None, folder="", bundle="")
    text = report._repr_html_()
    assert "Nothing helped" not in text and "What slows it" in text
    for rated in report.findings:
        assert rated.finding.habit in text


@pytest.mark.parametrize(
    "text",
    [
        profile_html(build.hostile_profile()),
        comparison_html(build.failed_comparison(build.HOSTILE)),
        replace(build.hostile(), trials=(), winner=None, folder="")._repr_html_(),
    ],
)
def test_what_comes_from_outside_is_escaped(text: str) -> None:
    assert "<script" not in text and "<img" not in text and "<html" not in text
    assert text.count("<div") == text.count("</div") == 1


def test_a_profile_and_a_comparison_say_what_their_terminal_views_say() -> None:
    assert "compute" in build.profile()._repr_html_() and "recorded steps" in build.profile()._repr_html_()
    text = build.comparison()._repr_html_()
    assert "<strong>2.13× faster</strong> (2.05 to 2.21)" in text and "Outputs kept" in text and "11.6 ms" in text


def test_printed_they_are_their_terminal_views() -> None:
    assert "2.13× faster (2.05 to 2.21)" in str(build.winner())
    assert "2.13× faster" in str(build.comparison())
    assert "steps in" in str(build.profile())
    assert "Nothing helped" not in str(replace(build.winner(), trials=(), winner=None, folder=""))
