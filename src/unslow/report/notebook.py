"""What a notebook shows (`_repr_html_`) of a report: the verdict, the figures, and every variant, folded. Of a
diagnosis, a profile and a comparison: what their terminal views show."""

from __future__ import annotations

from unslow.core.comparison import Comparison
from unslow.core.profile import Profile
from unslow.core.trial import ProfileSummary, RatedFinding, Report
from unslow.report import _words as words
from unslow.report._figures import break_even, comparison_figures, figures
from unslow.report._renderer import Renderer
from unslow.report._summary import summarised
from unslow.report._template import asset, ours, template
from unslow.report._words import is_diagnosis
from unslow.report.json import best_first
from unslow.report.page import shares_of


def summary_html(report: Report) -> str:
    """An HTML fragment with its own styles and no script."""
    if is_diagnosis(report):
        return _profile_html(report.profile, report.notes, best_first(report.findings))
    return template("summary.html.j2").render(
        report=report,
        headline=words.headline(report),
        whys=words.said_first(report),
        winner=words.winner_of(report),
        figures=figures(report),
        break_even=break_even(report),
        load=words.load_of(report),
        trials=words.variants_of(report),
        css=ours(asset("summary.css")),
    )


def profile_html(profile: Profile) -> str:
    """The same of a profile alone."""
    return _profile_html(summarised(profile), (), None)


def comparison_html(comparison: Comparison) -> str:
    """The same of a comparison."""
    return template("comparison.html.j2").render(
        comparison=comparison,
        headline=words.comparison_headline(comparison),
        figures=comparison_figures(comparison),
        css=ours(asset("summary.css")),
    )


def _profile_html(profile: ProfileSummary, notes: tuple[str, ...], findings: tuple[RatedFinding, ...] | None) -> str:
    return template("profile.html.j2").render(
        profile=profile,
        shares=shares_of(profile),
        findings=findings,
        nothing_found=words.nothing_found(notes),
        notes=tuple(dict.fromkeys((*profile.notes, *notes))),
        css=ours(asset("summary.css")),
    )


def render(report: Report, profile: Profile | None = None) -> str:
    """The fragment; a profile adds nothing to it."""
    return summary_html(report)


RENDERER = Renderer(name="notebook", render=render)
