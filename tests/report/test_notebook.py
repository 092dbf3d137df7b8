"""What a notebook shows: a fragment without scripts, escaped."""

from __future__ import annotations

import pytest
from tests.report import build

from unslow.report.notebook import summary_html

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
