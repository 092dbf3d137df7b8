"""`report.html`: one page that needs nothing else, no network and no server.

What came from outside is escaped by jinja2 (autoescape), after `_text.plain` took out what cannot be shown; chart data
by `_drawing.safe_json`. A content security policy that names the page's own scripts by their hashes stands behind both.
"""

from __future__ import annotations

import base64
import hashlib
import math
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from unslow.core.profile import CATEGORIES, Profile
from unslow.core.trial import ProfileSummary, Report
from unslow.report import _words as words
from unslow.report._charts import available, charts, javascript
from unslow.report._drawn import drawn
from unslow.report._figures import break_even, figures
from unslow.report._renderer import Renderer
from unslow.report._summary import summarised
from unslow.report._template import asset, ours, template
from unslow.report._text import plain
from unslow.report.json import best_first

MOST_OPS = 25
_KEY_FIGURES = (
    "Latency, median (p50)",
    "Time of a step, median",
    "Latency, 99th percentile",
    "Throughput",
    "Peak memory",
)
MOST_PATCH_LINES = 400


def page(report: Report, profile: Profile | None = None) -> str:
    """The whole report as one HTML document; `profile` gives more operators than the report itself keeps."""
    plots, drawing = charts(report), drawn(profile)
    scripts = [asset("page.js"), *([asset("icicle.js")] if drawing else []), *([javascript()] if plots else [])]
    return template("page.html.j2").render(
        report=report,
        headline=words.headline(report),
        whys=words.said_first(report),
        winner=words.winner_of(report),
        explanations=words.explanations(words.winner_of(report)),
        figures=figures(report),
        key_figures=[row for row in figures(report) if row.label in _KEY_FIGURES and row.before and row.after],
        break_even=break_even(report),
        load=words.load_of(report),
        snippet=snippet(report),
        patch=patch_of(report),
        profile=report.profile if profile is None else summarised(profile, MOST_OPS),
        shares=shares_of(report.profile),
        findings=[rated for rated in best_first(report.findings) if rated.worth_fixing],
        not_worth=[rated for rated in best_first(report.findings) if not rated.worth_fixing],
        trials=words.variants_of(report),
        charts=plots,
        drawn=drawing,
        charts_missing=not available(),
        nothing_found=words.nothing_found(),
        notes=tuple(dict.fromkeys((*report.profile.notes, *report.notes))),
        css=styles(),
        scripts=[ours(script) for script in scripts],
        policy=policy(scripts),
    )


def styles() -> Markup:
    """What every page looks like."""
    return ours(asset("page.css") + asset("drawn.css"))


def policy(scripts: Sequence[str]) -> str:
    """The page may run these scripts, use the styles in it, and load nothing from anywhere."""
    hashes = " ".join(f"'sha256-{_digest(script)}'" for script in scripts)
    parts = ("default-src 'none'", "style-src 'unsafe-inline'", f"script-src {hashes}", "base-uri 'none'")
    return "; ".join((*parts, "form-action 'none'"))


def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def snippet(report: Report) -> str:
    """How the winner is used: a bundle as Python, a patch as a command; "" where there is none."""
    if report.patch:
        return f"git apply {shlex.quote(plain(report.patch))}"
    if not report.bundle:
        return ""
    call = words.load_call(report)
    return f"import unslow\n\nmodel = {call}\nanswer = model(request)  # called as the original is"


@dataclass(frozen=True)
class Line:
    """A line of a patch; `css` is the class that gives it its colour."""

    text: str
    css: str


def patch_of(report: Report) -> list[Line]:
    """The lines of the winner's patch; empty where there is none, or where its file is gone."""
    try:
        text = Path(report.patch).read_text(encoding="utf-8") if report.patch else ""
    except OSError:
        return []
    lines = text.splitlines()
    shown = [Line(plain(line, 400, lines=True), _css_of_line(line)) for line in lines[:MOST_PATCH_LINES]]
    left = len(lines) - len(shown)
    return [*shown, *([Line(f"… and {left} lines more, in {plain(report.patch)}", "head")] if left else [])]


def _css_of_line(line: str) -> str:
    if line.startswith(("diff ", "index ", "--- ", "+++ ", "@@", "new file")):
        return "head"
    return {"+": "plus", "-": "minus"}.get(line[:1], "")


@dataclass(frozen=True)
class Part:
    """One category's part of the wall time; `css` is the class that gives it its colour."""

    name: str
    share: float
    css: str


def shares_of(profile: ProfileSummary) -> list[Part]:
    """The categories, or phases of a script, that took time, longest first."""
    shares = profile.phases or profile.shares
    known = [(name, share) for name, share in shares.items() if math.isfinite(share) and share > 0.0005]
    ranked = sorted(known, key=lambda item: -item[1])
    return [Part(plain(name, 40), min(share, 1.0), _css_name(name)) for name, share in ranked]


def _css_name(category: str) -> str:
    category = words.PHASE_CATEGORIES.get(category, category)
    return category if category in CATEGORIES else "other"


def render(report: Report, profile: Profile | None = None) -> str:
    """The text of `report.html`."""
    return page(report, profile)


RENDERER = Renderer(name="page", render=render, file="report.html")
