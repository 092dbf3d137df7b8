"""The bad habits: one file is one habit, found by walking this package; and the diagnosis that asks them all.

A habit imports only `unslow.core` and the helpers of this package (their names begin with an underscore). It never
names a fix. Where the profile is empty (nothing was recorded, or `diagnose` withholds what cannot be trusted) a habit
speaks only if facts alone prove it, and then gives no floor: how much time is at stake is not known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from unslow.core.discover import plugins
from unslow.core.finding import Evidence, Finding, Habit
from unslow.core.profile import Profile
from unslow.core.units import share as show_share

WORTH = 1.03  # a ceiling below this is true, but not worth fixing (the default of `--worth`)
MOST_DISTORTION = 0.10  # a recording that slowed the steps by more than this says too little about them (DESIGN.md)


@dataclass(frozen=True)
class Abstention:
    """Why shares of the time cannot be trusted, in one sentence, and what to do about it, in another."""

    reason: str
    advice: str


def all_habits() -> dict[str, Habit]:
    """Every habit by name, sorted."""
    return plugins("unslow.habits", "HABIT", Habit)


def abstention(profile: Profile) -> Abstention | None:
    """Why nothing is concluded from where the time went; None: the profile can be trusted.

    What facts alone prove (autograd, training mode, dtypes, threads, files) is still found by `diagnose`.
    """
    if profile.wall_ns <= 0:
        return Abstention("The recording holds no steps: where the time went is unknown.", "Record at least one step.")
    if profile.distortion is not None and profile.distortion > MOST_DISTORTION:
        return Abstention(
            f"Recording slowed the steps by {show_share(profile.distortion)}, more than {show_share(MOST_DISTORTION)}: "
            "shares of the time are withheld.",
            "Give larger requests or fewer, longer steps, so that each operator takes longer than its recording.",
        )
    return None


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


def ranked(findings: Sequence[Finding], worth: float = WORTH) -> list[Finding]:
    """In the order in which they deserve attention.

    Scored findings that are worth fixing come by ceiling, highest first. An unbounded finding comes after them, unless
    more of the time is at stake in it than in any of them: then it comes first. Scored findings below `worth` come
    last. Equals keep the order of their names.
    """
    scored = [finding for finding in findings if finding.ceiling is not None and finding.worth(worth)]
    most_scored = max((finding.share for finding in scored), default=0.0)

    def rank(finding: Finding) -> tuple[int, float, str]:
        ceiling = finding.ceiling
        if ceiling is None:
            return (0 if finding.share > most_scored else 2, -finding.share, finding.habit)
        return (1 if ceiling >= worth else 3, -ceiling, finding.habit)

    return sorted(findings, key=rank)
