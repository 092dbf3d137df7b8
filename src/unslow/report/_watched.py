"""The page of what only looks: a diagnosis, a profile, and what changed between two profiles. It stands alone, as a
run's `report.html` does, and looks like it."""

from __future__ import annotations

from unslow.core import units
from unslow.core.difference import Difference
from unslow.core.profile import Profile
from unslow.core.trial import ProfileSummary, Report
from unslow.report import _words as words
from unslow.report._difference import changes_of, figures_of, said_of
from unslow.report._drawn import drawn
from unslow.report._summary import summarised
from unslow.report._template import asset, ours, template
from unslow.report.json import best_first
from unslow.report.page import MOST_OPS, policy, shares_of, styles


def diagnosis_page(report: Report, profile: Profile) -> str:
    """What slows it, and where the time goes."""
    ranked = best_first(report.findings)
    worth = [rated for rated in ranked if rated.worth_fixing]
    first = worth[0] if worth else None
    headline = words.nothing_found(report.notes) if first is None else first.finding.title
    return _page(
        "diagnose",
        profile,
        headline=headline,
        ceiling="" if first is None else words.ceiling_text(first.ceiling),
        target=report.target,
        command=report.command,
        diagnosed=True,
        findings=worth,
        not_worth=[rated for rated in ranked if not rated.worth_fixing],
        notes=report.notes,
    )


def profile_page(profile: Profile, target: str, command: str, difference: Difference | None = None) -> str:
    """Where the time goes, and what is different from another recording."""
    headline = _headline(profile) if difference is None else said_of(difference)
    return _page("profile", profile, headline=headline, target=target, command=command, difference=difference)


def _headline(profile: Profile) -> str:
    """What a step takes, and what most of it goes to."""
    if not profile.wall_ns:
        return "Nothing was recorded"
    most, share = max(profile.shares.items(), key=lambda item: item[1])
    a_step = units.seconds(profile.wall_ns / len(profile.steps) / 1e9)
    return f"{a_step} a step, {units.share(share)} of it {most}"


def _page(
    verb: str,
    profile: Profile,
    *,
    headline: str,
    target: str,
    command: str,
    ceiling: str = "",
    diagnosed: bool = False,
    findings: object = (),
    not_worth: object = (),
    notes: tuple[str, ...] = (),
    difference: Difference | None = None,
) -> str:
    seen: ProfileSummary = summarised(profile, MOST_OPS)
    drawing = drawn(profile)
    scripts = [asset("page.js"), *([asset("icicle.js")] if drawing else [])]
    more = () if difference is None else difference.notes
    return template("watched.html.j2").render(
        verb=verb,
        headline=headline,
        ceiling=ceiling,
        target=target,
        command=command,
        diagnosed=diagnosed,
        findings=findings,
        not_worth=not_worth,
        nothing_found=words.nothing_found(notes),
        notes=tuple(dict.fromkeys((*more, *seen.notes, *notes))),
        difference=difference,
        changes=() if difference is None else changes_of(difference, MOST_OPS),
        figures=() if difference is None else figures_of(difference),
        profile=seen,
        drawn=drawing,
        shares=shares_of(seen),
        css=styles(),
        scripts=[ours(script) for script in scripts],
        policy=policy(scripts),
    )
