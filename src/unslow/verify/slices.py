"""The slices of an evaluation, and the whole and its slices put together."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unslow.core.errors import BadInput, BadUsage
from unslow.verify.losses import LossOf, LossVerdict, Question, judge_loss
from unslow.verify.outcome import Detail, Outcome, OutcomeKind, SliceOutcome, severity
from unslow.verify.resampling import Units

PerRow = Sequence[Any] | NDArray[Any]


def judge_slices(loss_of: LossOf, units: Units, slices: PerRow | None, question: Question) -> tuple[SliceOutcome, ...]:
    """Each slice judged by itself; the worst first, by verdict, then by loss. None without `slices` (one name per row).

    Alpha is shared between the slices (Bonferroni): the worst is picked among all of them and shown with its interval.
    """
    if slices is None:
        return ()
    names = np.array([str(name) for name in slices])
    distinct = sorted(set(names.tolist()))
    outcomes: list[SliceOutcome] = []
    for k, name in enumerate(distinct):
        part = replace(question, alpha=question.alpha / len(distinct), seed=question.seed + k + 1)
        result = judge_loss(loss_of, units.subset(names == name), part)
        outcomes.append(SliceOutcome(name, result.verdict, result.reason, result.estimate, result.needed))
    return tuple(sorted(outcomes, key=_badness, reverse=True))


def combined(
    kind: OutcomeKind, result: LossVerdict, parts: tuple[SliceOutcome, ...], details: Mapping[str, Detail]
) -> Outcome:
    """The verdict of the whole and of its slices (worst first): the worse of the two, with the reason of that one."""
    worst = parts[0] if parts else None
    verdict, reason = result.verdict, f"{_capital(result.reason)}."
    if worst and severity(worst.verdict) > severity(verdict):
        verdict = worst.verdict
        reason = f"{reason} The slice {worst.name!r}: {worst.reason}."
    all_details = {**details, "slices": len(parts)} if parts else details
    return Outcome(verdict, kind, reason, result.estimate, all_details, worst, result.needed)


def check_arguments(tolerance: float, alpha: float, n_rows: int, **per_row: PerRow | None) -> None:
    """Raises BadUsage for a senseless tolerance or alpha, BadInput for groups or slices not one per row."""
    if not (math.isfinite(tolerance) and tolerance >= 0):
        raise BadUsage(f"The tolerance is {tolerance}.", "Give a number that is not negative: how much may be lost.")
    if not 0 < alpha < 0.5:
        raise BadUsage(f"The risk alpha is {alpha}.", "Give a number between 0 and 0.5, like 0.05.")
    for name, values in per_row.items():
        if values is not None and len(values) != n_rows:
            what = f"There are {len(values)} {name} for {n_rows} samples."
            raise BadInput(what, f"Give one of the {name} per sample.")


def _badness(outcome: SliceOutcome) -> tuple[int, float]:
    return severity(outcome.verdict), outcome.estimate.point if outcome.estimate else -math.inf


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
