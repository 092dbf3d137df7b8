"""What is different between two profiles: the time of a step, of each category in it, and of each name."""

from __future__ import annotations

import importlib
from dataclasses import dataclass

from unslow.core.profile import CATEGORIES, Category, Profile

MOST_DISTORTION_APART = 0.05
"""Two recordings whose own costs differ by more than this part of a step say little about each other's times."""
ONE_EACH = (
    "This is the difference between two recordings, one of each, without an interval; "
    "`unslow compare A B` measures both in turns and gives one."
)


@dataclass(frozen=True)
class Change:
    """Own time a step in ms, before and after. `name` is "" for a whole category, and both are for a whole step.

    None where the recording does not have it: it is new, or gone.
    """

    name: str
    category: Category | None
    before_ms: float | None
    after_ms: float | None

    @property
    def difference_ms(self) -> float:
        return (self.after_ms or 0.0) - (self.before_ms or 0.0)


@dataclass(frozen=True)
class Difference:
    """From `before` to `after`, what the two recordings are called: per step, per category and per name.

    `categories` and `names` come by the size of what changed, the largest first, and each sums to `step`'s difference.
    `comparable` is False where times a step say nothing about each other; `notes` say why, and what to hold against it.
    """

    before: str
    after: str
    step: Change
    categories: tuple[Change, ...]
    names: tuple[Change, ...]
    comparable: bool = True
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        # By name, since the nouns import nothing of ours: only who prints it asks for this.
        return importlib.import_module("unslow.report.terminal").as_text(self)


def difference(before: Profile, after: Profile, called: tuple[str, str]) -> Difference:
    """What changed from one recording to the other, whether or not they can be held against each other."""
    reasons = incomparable(before, after)
    step = Change("", None, _a_step(before, before.wall_ns), _a_step(after, after.wall_ns))
    old, new = _by_name(before), _by_name(after)
    changed = dict.fromkeys((*new, *old))
    names = [Change(key[0], key[1], old.get(key), new.get(key)) for key in changed]
    shares: list[tuple[Category, float, float]] = [
        (name, before.shares[name], after.shares[name]) for name in CATEGORIES
    ]
    categories = [
        Change("", name, _a_step(before, one * before.wall_ns), _a_step(after, two * after.wall_ns))
        for name, one, two in shares
        if one or two
    ]
    return Difference(
        *called, step, _largest_first(categories), _largest_first(names), not reasons, (*reasons, ONE_EACH)
    )


def incomparable(before: Profile, after: Profile) -> tuple[str, ...]:
    """Why their times say nothing about each other, a sentence each; empty where they do."""
    said: list[str] = []
    if not (before.wall_ns and after.wall_ns):
        said.append("Not comparable: one of the two has no steps.")
    elif any(span.details.get("mark") == "unmarked" for one in (before, after) for span in one.steps[:1]):
        said.append("Not comparable by the step: nothing marks the steps in one of the two; all of it is taken as one.")
    if before.source != after.source:
        said.append(f"Not comparable: one was recorded by {before.source}, the other by {after.source}.")
    if bool(before.devices) != bool(after.devices):
        said.append("Not comparable: a device's work was recorded in one of the two only.")
    if before.too_much_lost or after.too_much_lost:
        lost = 100 * max(before.lost, after.lost)
        said.append(f"Not comparable: {lost:.0f} % of the kernels of one of the two have no record.")
    if _apart(before.distortion, after.distortion):
        costs = " and ".join(f"{100 * (one.distortion or 0):.0f} %" for one in (before, after))
        said.append(f"Not comparable: recording cost {costs} of a step.")
    return tuple(said)


def _apart(before: float | None, after: float | None) -> bool:
    return before is not None and after is not None and abs(before - after) > MOST_DISTORTION_APART


def _a_step(profile: Profile, time_ns: float) -> float | None:
    return time_ns / 1e6 / len(profile.steps) if profile.steps else None


def _by_name(profile: Profile) -> dict[tuple[str, Category], float]:
    count = len(profile.steps)
    return {(row.name, row.category): row.own_ns / 1e6 / count for row in profile.totals if count}


def _largest_first(changes: list[Change]) -> tuple[Change, ...]:
    return tuple(sorted(changes, key=lambda change: (-abs(change.difference_ms), change.name, change.category or "")))
