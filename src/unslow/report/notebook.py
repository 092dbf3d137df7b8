"""What a notebook shows of a report (`_repr_html_`): the verdict, the figures, and every variant, folded."""

from __future__ import annotations

from unslow.core.profile import Profile
from unslow.core.trial import Report
from unslow.report import _words as words
from unslow.report._figures import break_even, figures
from unslow.report._renderer import Renderer
from unslow.report._template import asset, ours, template


def summary_html(report: Report) -> str:
    """An HTML fragment with its own styles and no script."""
    return template("summary.html.j2").render(
        report=report,
        headline=words.headline(report),
        whys=words.why_nothing(report),
        winner=words.winner_of(report),
        figures=figures(report),
        break_even=break_even(report),
        load=words.load_of(report),
        trials=words.variants_of(report),
        css=ours(asset("summary.css")),
    )


def render(report: Report, profile: Profile | None = None) -> str:
    """The fragment; a profile adds nothing to it."""
    return summary_html(report)


RENDERER = Renderer(name="notebook", render=render)
