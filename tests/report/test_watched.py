"""The page of a diagnosis and of a profile: whole, offline, nothing from outside runs."""

from __future__ import annotations

import re
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from tests.report import build
from tests.report.test_page import CHROMIUM, FLAGS, Elements, without_scripts

from unslow.core.difference import difference
from unslow.core.profile import Profile, Span
from unslow.report._watched import diagnosis_page, profile_page
from unslow.report.page import policy
from unslow.report.terminal import as_text

PROFILE = build.profile()


def pages() -> dict[str, str]:
    changed = difference(PROFILE, build.hostile_profile(), (build.HOSTILE, "b"))
    return {
        "diagnosis": diagnosis_page(replace(build.winner(), trials=()), PROFILE),
        "profile": profile_page(PROFILE, "model.onnx", "unslow profile model.onnx"),
        "hostile": profile_page(build.hostile_profile(), build.HOSTILE, build.HOSTILE, changed),
        "empty": profile_page(Profile((), "steps"), "x", ""),
        "nothing-found": diagnosis_page(replace(build.winner(), findings=(), notes=()), PROFILE),
    }


PAGES = pages()


@pytest.mark.parametrize("name", PAGES)
def test_it_requests_nothing_and_runs_only_what_its_policy_names(name: str) -> None:
    seen = Elements(PAGES[name])
    assert not {"link", "iframe", "img", "object", "form"} & {tag for tag, _ in seen.elements}
    assert not [key for _, attributes in seen.elements for key in attributes if key.startswith("on") or key == "src"]
    said = next(attributes["content"] for _, attributes in seen.elements if attributes.get("http-equiv"))
    assert said == policy([body for _, body in seen.scripts])
    assert PAGES[name].count("<h1>") == 1


def test_hostile_names_are_text() -> None:
    page = PAGES["hostile"]
    assert "<script>alert" not in page and "\x1b" not in page and "\u202e" not in page
    assert "<script>alert(1)</script>" in "".join(Elements(page).text)
    assert '"alert(2)"' not in without_scripts(page).replace("&#34;", "'")


def test_the_drawings_say_what_they_are() -> None:
    labels = [a["aria-label"] or "" for tag, a in Elements(PAGES["profile"]).elements if tag == "svg"]
    assert len(labels) == 2 and labels[0].startswith("4 steps") and "paths of names" in labels[1]
    assert "<title>aten::addmm\ncompute · 49.6 ms (50 %) · 4 calls</title>" in PAGES["profile"]


def test_a_diagnosis_begins_with_what_slows_it_most() -> None:
    top = PAGES["diagnosis"].split("</header>")[0]
    assert "94 % of the time is spent in 412 operators" in top and "at most 2.20×" in top
    assert "Nothing was found whose removal could pay" in PAGES["nothing-found"].split("</header>")[0]


def test_what_cannot_be_said_is_not_taken_for_nothing() -> None:
    doubted = replace(build.winner(), findings=(), notes=("Recording slowed the steps by 25 %.",))
    page = diagnosis_page(doubted, PROFILE)
    assert "cannot be said" in page.split("</header>")[0] and "Nothing was found" not in page
    assert "Recording slowed the steps" in page


def test_what_is_not_known_of_a_script_is_said() -> None:
    said = "its order in the phase is not told"
    assert said in profile_page(replace(PROFILE, source="script"), "x", "") and said not in PAGES["profile"]


def test_of_nothing_recorded_there_is_nothing_to_draw() -> None:
    assert "<svg" not in PAGES["empty"] and "Nothing was recorded" in PAGES["empty"]


def test_a_page_of_many_spans_stays_small() -> None:
    spans: list[Span] = []
    for step in range(60):
        root, start = len(spans), step * 1_000_000
        spans.append(Span("step", "framework", start, start + 1_000_000))
        spans += [
            Span(f"op{place % 700}", "compute", start + 1000 * place, start + 1000 * place + 600, root)
            for place in range(1000)
        ]
    page = profile_page(Profile(tuple(spans), "kineto", 60), "x", "")
    assert len(page) < 1_000_000 and "40 of 60 steps, evenly chosen" in page


def test_what_changed_stands_on_the_page_and_fits_a_screen() -> None:
    changed = difference(PROFILE, replace(PROFILE, source="onnxruntime"), ("before", "after"))
    page = profile_page(PROFILE, "after", "", changed)
    assert "What changed" in page and "recorded by kineto, the other by onnxruntime" in page
    shown = as_text(changed)
    assert len(shown.splitlines()) <= 40 and "25 ms: the same, but not comparable" in shown and "compare A B" in shown
    assert re.search(r"aten::addmm +compute +12.4 ms +12.4 ms +0 s", shown)


@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")
def test_a_click_shows_a_name_at_full_width(tmp_path: Path) -> None:
    click = """for (const group of document.querySelectorAll("svg.icicle g"))
        if (group.textContent.startsWith("aten::gelu")) group.dispatchEvent(new MouseEvent("click"))"""
    text = re.sub(r"<meta http-equiv[^>]*>", "", PAGES["profile"]).replace(
        "</body>", f"<script>{click}</script></body>"
    )
    file = tmp_path / "page.html"
    file.write_text(text, encoding="utf-8")
    command = [str(CHROMIUM), *FLAGS, f"--user-data-dir={tmp_path / 'profile'}", f"file://{file}"]
    shown = subprocess.run(command, capture_output=True, text=True, timeout=90, check=True).stdout
    frames = re.findall(r'<g(?: class="([a-z ]*)")?><title>(.*?)\n.*?</title><rect[^>]* width="([0-9.]+)"', shown)
    widths = {name: (kind, float(width)) for kind, name, width in frames}
    assert widths["aten::gelu"] == ("", 880.0) and widths["4 steps"] == ("above", 880.0)
    assert widths["aten::addmm"][0] == "far"
