"""The page stands alone, lets nothing through, and says what happened."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from tests.report import build

from unslow.core.trial import Report
from unslow.report import _charts
from unslow.report import page as page_module
from unslow.report._drawing import safe_json
from unslow.report.page import page, snippet

REPORTS = build.all_reports()
CHROMIUM = shutil.which("chromium")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--virtual-time-budget=5000",
    "--dump-dom",
)


class Elements(HTMLParser):
    """Every element with its attributes, the text outside scripts, and the scripts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.scripts: list[tuple[str, str]] = []
        self._open = ""
        self._kind = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._open = tag
        self._kind = dict(attrs).get("type") or ""

    def handle_endtag(self, tag: str) -> None:
        self._open = ""

    def handle_data(self, data: str) -> None:
        if self._open == "script":
            self.scripts.append((self._kind, data))
        elif self._open != "style":
            self.text.append(data)


def without_scripts(text: str) -> str:
    return re.sub(r"<script.*?</script>", "", text, flags=re.S)


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    return {name: page(report, build.profile()) for name, report in REPORTS.items()}


@pytest.mark.parametrize("name", REPORTS)
def test_it_requests_nothing(pages: dict[str, str], name: str) -> None:
    seen = Elements(pages[name])
    for tag, attributes in seen.elements:
        assert tag not in {"link", "iframe", "img", "object", "embed", "base", "form"}, tag
        for key in ("src", "href", "xlink:href", "srcset", "action", "data"):
            assert not re.match(r"\s*(https?:)?//", attributes.get(key) or ""), (tag, attributes)
    styles = "".join(re.findall(r"<style>(.*?)</style>", pages[name], re.S))
    assert "url(" not in styles and "@import" not in styles


@pytest.mark.parametrize("name", REPORTS)
def test_only_our_own_elements_and_handlers_are_in_it(pages: dict[str, str], name: str) -> None:
    seen = Elements(pages[name])
    assert not [key for _, attributes in seen.elements for key in attributes if key.startswith("on")]
    assert pages[name].count("<h1>") == 1
    kinds = [kind for kind, _ in seen.scripts]
    assert kinds.count("") <= 3 and set(kinds) <= {"", "application/json"}
    assert not any("alert(" in body for kind, body in seen.scripts if kind == "" and "vega" not in body)


def test_hostile_strings_are_shown_as_text_and_run_nothing(pages: dict[str, str]) -> None:
    seen = Elements(pages["hostile"])
    assert "<script>alert(1)</script>" in "".join(seen.text), "it is shown"
    assert "<script>alert" not in pages["hostile"] and "img" not in {tag for tag, _ in seen.elements}
    data = [json.loads(body) for kind, body in seen.scripts if kind == "application/json"]
    assert len(data) == 2 and "</script><script>alert(1)" in str(data), "chart data keep it, as data"
    assert "{{ 7*7 }}" in "".join(seen.text), "a template in a name is not rendered"


def test_every_script_that_runs_is_named_by_the_policy(pages: dict[str, str]) -> None:
    seen = Elements(pages["winner"])
    content = next(a["content"] or "" for tag, a in seen.elements if a.get("http-equiv"))
    runs = [body for kind, body in seen.scripts if kind == ""]
    assert len(runs) == 3
    assert page_module.policy(runs) == content
    assert "unsafe-eval" not in content and content.startswith("default-src 'none'")


@pytest.mark.parametrize("text", ["</script>", "<!--", "<b>&amp;", "\u2028", "]]>"])
def test_chart_data_cannot_leave_their_script(text: str) -> None:
    shown = safe_json({"name": text})
    assert not set("<>&") & set(shown)
    assert json.loads(shown) == {"name": text}


def test_the_sections_come_in_the_order_in_which_people_ask(pages: dict[str, str]) -> None:
    headings = re.findall(r"<h2[^>]*>(.*?)</h2>", without_scripts(pages["winner"]))
    assert headings == [
        "Before and after",
        "Use it",
        "Where the time goes",
        "What slows it",
        "The race",
        "Where and how it was measured",
        "Notes",
    ]


def test_the_verdict_stands_at_the_top(pages: dict[str, str]) -> None:
    top = " ".join(re.sub(r"<[^>]+>", " ", pages["winner"].split("</header>")[0].split("<header")[1]).split())
    assert "2.13× faster (2.05 to 2.21) , outputs kept onnxruntime(threads=2) int8-dynamic" in top


def test_a_winner_that_is_unproven_says_so_at_the_top(pages: dict[str, str]) -> None:
    top = pages["accepted-unproven"].split("</header>")[0]
    assert "outputs unproven" in top and 'class="hero bad"' in top


def test_figures_that_were_not_measured_are_left_out(pages: dict[str, str]) -> None:
    assert "joules" not in pages["winner"].lower() and "Energy" not in pages["winner"]
    for name, text in pages.items():
        words = "".join(Elements(text).text)
        assert not re.search(r"\b(nan|inf|None)\b(?! of the)", words) or name == "not-numbers", name


def test_without_the_extra_it_has_tables_and_says_how_to_get_charts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_charts, "available", lambda: False)
    monkeypatch.setattr(page_module, "available", lambda: False)
    text = page(REPORTS["winner"], None)
    assert "unslow[report]" in text and "<svg" not in text and len(text) < 60_000
    assert text.count('class="fixes"') == 8


def test_with_the_extra_each_chart_has_a_drawing_with_a_title_and_one_library(pages: dict[str, str]) -> None:
    text = pages["winner"]
    assert "unslow[report]" not in text
    drawn = without_scripts(text)
    assert drawn.count("<svg") == drawn.count('role="img"') - 1 == 4, "the bar of the shares is no svg"
    assert sum("vegaEmbed=" in body for _, body in Elements(text).scripts) == 1


def test_no_library_where_there_is_nothing_to_draw(pages: dict[str, str]) -> None:
    assert "vegaEmbed=" not in pages["all-failed"]


def test_tables_have_headers_with_a_scope(pages: dict[str, str]) -> None:
    headers = [attributes for tag, attributes in Elements(pages["winner"]).elements if tag == "th"]
    assert headers and all(attributes.get("scope") in {"col", "row"} for attributes in headers)


def test_the_snippet_is_python_whatever_the_path_is() -> None:
    for report in (REPORTS["winner"], REPORTS["hostile"]):
        compile(snippet(report), "snippet", "exec")


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="needs chromium")
@pytest.mark.parametrize("name", ["winner", "hostile", "not-numbers"])
def test_a_browser_draws_the_charts_and_runs_nothing_else(pages: dict[str, str], name: str, tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    file.write_text(pages[name], encoding="utf-8")
    command = [str(CHROMIUM), *FLAGS, f"--user-data-dir={tmp_path / 'profile'}", f"file://{file}"]
    done: Any = subprocess.run(command, capture_output=True, text=True, timeout=90, check=True)
    charts = len(re.findall('class="chart', pages[name]))
    assert done.stdout.count('class="chart live"') == charts
    assert "img" not in {tag for tag, _ in Elements(done.stdout).elements}


def of_a_script(tmp_path: Path, text: str) -> Report:
    patch = tmp_path / "changes.diff"
    patch.write_text(text)
    return replace(
        build.winner(), patch=str(patch), bundle="", profile=replace(build.winner().profile, source="script")
    )


def test_a_patch_that_is_gone_is_left_out(tmp_path: Path) -> None:
    report = of_a_script(tmp_path, "")
    (tmp_path / "changes.diff").unlink()
    assert 'class="patch"' not in page(report)


def test_a_patch_is_shown_as_it_is(tmp_path: Path) -> None:
    shown = page(of_a_script(tmp_path, "--- a/train.py\n-    loader(x)\n+    loader(x, n=2)  # <script>\n"))
    assert '<span class="plus">+    loader(x, n=2)  # &lt;script&gt;</span>' in shown
    assert '<span class="minus">-    loader(x)</span>' in shown


def test_the_figures_of_a_script_are_of_steps(tmp_path: Path) -> None:
    shown = page(of_a_script(tmp_path, "+x\n"))
    assert "Time of a step, median" in shown and "steps/s" in shown and "req/s" not in shown
