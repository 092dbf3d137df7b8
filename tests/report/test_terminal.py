"""What the terminal shows, at any width, with and without colours."""

from __future__ import annotations

import io
import math
from dataclasses import replace

import pytest
from rich.cells import cell_len
from rich.console import Console, RenderableType
from tests.report import build

from unslow.core.trial import Speedup
from unslow.report._bars import Axis, interval_bar, share_bar
from unslow.report._figures import relative
from unslow.report.terminal import comparison_view, diagnosis_view, findings_table, profile_view, summary

REPORTS = build.all_reports()


def shown(what: RenderableType, width: int = 130, encoding: str = "utf-8", crop: bool = True) -> str:
    raw = io.BytesIO()
    console = Console(file=io.TextIOWrapper(raw, encoding=encoding, errors="replace"), width=width, color_system=None)
    console.print(what, crop=crop)
    console.file.flush()
    return raw.getvalue().decode(encoding)


COPIED = ("Use it:", "Report:")


@pytest.mark.parametrize("name", REPORTS)
def test_what_people_copy_is_in_one_piece_and_all_else_fits(name: str) -> None:
    report = replace(REPORTS[name], folder="/a/folder/with/a/name/that/is/longer/than/the/terminal/is/wide")
    lines = shown(summary(report), 40, crop=False).splitlines()
    assert f"Report:  {report.folder}/report.html" in lines
    assert all(cell_len(line) <= 40 for line in lines if not line.startswith(COPIED))


def speed(point: float, low: float, high: float) -> Speedup:
    return Speedup(point, low, high, 0.95, 10, 0)


@pytest.mark.parametrize("width", [40, 80, 100, 130, 200])
@pytest.mark.parametrize("name", REPORTS)
def test_no_line_is_wider_than_the_terminal(name: str, width: int) -> None:
    report = REPORTS[name]
    for text in (shown(summary(report), width), shown(diagnosis_view(report, True), width)):
        assert max(map(cell_len, text.splitlines())) <= width


def test_hostile_text_is_no_markup_and_moves_no_cursor() -> None:
    text = shown(summary(REPORTS["hostile"]), 400)
    assert "[bold red]" in text and "\x1b" not in text and "\x07" not in text


def test_the_winner_comes_first_and_the_lost_one_is_not_before_the_kept() -> None:
    lines = shown(summary(REPORTS["winner"]), 160).splitlines()
    at = {word: next(k for k, line in enumerate(lines) if word in line and "┊" in line) for word in ("winner", "lost")}
    kept = next(k for k, line in enumerate(lines) if "Slower than the winner" in line)
    assert at["winner"] < kept < at["lost"]


def test_on_ascii_terminals_the_pictures_are_ascii() -> None:
    text = shown(profile_view(build.profile()), encoding="ascii")
    assert "####" in text and "█" not in text


def test_a_long_race_is_cut_with_a_word_about_it() -> None:
    one = build.trials()[2]
    many = tuple(replace(one, id=f"t{k}") for k in range(40))
    assert "25 more" in shown(summary(replace(build.winner(), trials=(build.original(), *many))))


def test_findings_not_worth_fixing_are_shown_on_demand_only() -> None:
    assert "pageable-copies" not in shown(findings_table(build.findings()))
    assert "pageable-copies" in shown(findings_table(build.findings(), show_all=True))


def test_no_findings_and_no_steps_are_said() -> None:
    text = shown(diagnosis_view(REPORTS["nothing-tried"]))
    assert "What slows it cannot be said" in text and "there are no steps" in text
    assert "Nothing was found" in shown(diagnosis_view(replace(REPORTS["nothing-tried"], notes=())))


def test_a_profile_is_shown_with_its_shares_and_its_longest_operators() -> None:
    text = shown(profile_view(build.profile()))
    assert "aten::addmm" in text and "76 %" in text and "recording cost 4.0 %" in text


def test_a_comparison_that_failed_says_why() -> None:
    text = shown(comparison_view(build.failed_comparison()))
    assert "Not compared: It ran out of memory." in text


@pytest.mark.parametrize(
    ("verdict", "said"),
    [("same", "The same within ± 2.0 %"), ("slower", "Slower"), ("undecided", "Undecided"), ("faster", "2.13× faster")],
)
def test_a_comparison_says_its_verdict(verdict: str, said: str) -> None:
    assert said in shown(comparison_view(replace(build.comparison(), verdict=verdict)))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("old", "new", "more", "expected"),
    [
        (None, 1.0, False, ("", None)),
        (1.0, None, False, ("", None)),
        (0.0, 1.0, False, ("", None)),
        (100.0, 100.4, False, ("same", None)),
        (100.0, 50.0, False, ("−50 %", True)),
        (100.0, 50.0, True, ("−50 %", False)),
        (100.0, 213.0, True, ("+113 %", True)),
        (100.0, 213.0, False, ("+113 %", False)),
    ],
)
def test_a_change_is_told_with_its_direction(
    old: float | None, new: float | None, more: bool, expected: tuple[str, bool | None]
) -> None:
    assert relative(old, new, more) == expected


def test_an_unknown_interval_draws_nothing() -> None:
    axis = Axis.of([None])
    assert not interval_bar(None, axis, "").plain.strip()
    assert not interval_bar(speed(math.nan, 1, 2), axis, "").plain.strip()


def test_an_interval_without_ends_has_arrows_and_keeps_its_point() -> None:
    wide = speed(2.0, 0.0, math.inf)
    bar = interval_bar(wide, Axis.of([wide]), "").plain
    assert bar[0] == "◀" and bar[-1] == "▶" and "●" in bar and len(bar) == Axis.of([wide]).width


def test_one_is_marked_beside_an_interval_that_leaves_it_out() -> None:
    fast = speed(2.0, 1.9, 2.1)
    bar = interval_bar(fast, Axis.of([fast]), "").plain
    assert bar.index("┊") < bar.index("●")


@pytest.mark.parametrize("share", [math.nan, -1.0, 0.0, 0.5, 1.0, math.inf])
def test_a_share_is_a_bar_of_one_width(share: float) -> None:
    assert cell_len(share_bar(share, "").plain) == len(share_bar(share, "", ascii_only=True).plain) == 24


def test_what_there_was_no_time_for_is_said_beside_the_verdict() -> None:
    report = replace(build.winner(), untried=("openvino", "onnxruntime"))
    said = "The budget ended before all was tried; not tried: openvino, onnxruntime. Give more with --budget."
    assert any(said in line for line in shown(summary(report), 160).splitlines()[:4])
    assert "The budget ended" not in shown(summary(build.winner()), 160)
