"""The bad habits: one file is one habit, found by walking this package; and the diagnosis that asks them all.

A habit imports only `unslow.core` and the helpers of this package (their names begin with an underscore). It never
names a fix. Where the profile is empty (nothing was recorded, or `diagnose` withholds what cannot be trusted) a habit
speaks only if facts alone prove it, and then gives no floor: how much time is at stake is not known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from unslow.core.attention import FusedAttention
from unslow.core.discover import plugins
from unslow.core.finding import Evidence, Finding, Habit
from unslow.habits._trust import MOST_DISTORTION, Abstention, abstention, doubts

__all__ = [
    "MOST_DISTORTION", "WORTH", "Abstention", "abstention", "all_habits", "diagnose", "doubts", "ranked", "wanted",
]  # fmt: skip

WORTH = 1.03  # a ceiling below this is true, but not worth fixing (the default of `--worth`)


def all_habits() -> dict[str, Habit]:
    """Every habit by name, sorted."""
    return plugins("unslow.habits", "HABIT", Habit)


def diagnose(evidence: Evidence, worth: float = WORTH) -> list[Finding]:
    """All that the habits find, most promising first (see `ranked`); pure.

    `compute-bound` is asked only when no cause may be worth its while. Where `abstention` has a reason, the habits see
    an empty profile: only those that facts prove speak, unscored.
    """
    if abstention(evidence.profile) is not None:
        evidence = replace(evidence, profile=replace(evidence.profile, spans=()))
    habits = all_habits().values()
    causes = [finding for habit in habits if habit.is_cause for finding in habit.detect(evidence)]
    if any(finding.worth(worth) for finding in causes):
        return ranked(causes, worth)
    rest = [finding for habit in habits if not habit.is_cause for finding in habit.detect(evidence)]
    return [*ranked(causes, worth), *rest]


def wanted(evidence: Evidence) -> list[FusedAttention]:
    """What the habits want timed on this machine; nothing where `abstention` has a reason."""
    if abstention(evidence.profile) is not None:
        return []
    return [one for habit in all_habits().values() if habit.wants is not None for one in habit.wants(evidence)]


def ranked(findings: Sequence[Finding], worth: float = WORTH) -> list[Finding]:
    """In the order in which they deserve attention.

    Scored findings that are worth fixing come by ceiling, highest first. An unbounded finding comes after them, unless
    more of the time is at stake in it than in any of them, and all of that would give more than they can: then it comes
    first. Scored findings below `worth` come last. Equals keep the order of their names.
    """
    scored = [finding for finding in findings if finding.ceiling is not None and finding.worth(worth)]
    most_scored = max((finding.share for finding in scored), default=0.0)
    best_scored = max((finding.promise for finding in scored), default=1.0)

    def rank(finding: Finding) -> tuple[int, float, str]:
        ceiling = finding.ceiling
        if ceiling is None:
            leads = finding.share > most_scored and finding.promise > best_scored
            return (0 if leads else 2, -finding.share, finding.habit)
        return (1 if ceiling >= worth else 3, -ceiling, finding.habit)

    return sorted(findings, key=rank)
