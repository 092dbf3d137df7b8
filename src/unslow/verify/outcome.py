"""What a judge of outputs hands back: a verdict, one sentence, and the numbers behind it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from unslow.core.estimate import Estimate, OutputsVerdict

OutcomeKind = Literal["numeric", "metric", "agreement"]
Detail = float | int | str

_SEVERITY: dict[OutputsVerdict, int] = {"kept": 0, "unproven": 1, "lost": 2}


@dataclass(frozen=True)
class SliceOutcome:
    """One named part of the evaluation, judged by itself; no `estimate` where it has too few samples."""

    name: str
    verdict: OutputsVerdict
    reason: str
    estimate: Estimate | None = None
    needed: int | None = None


@dataclass(frozen=True)
class Outcome:
    """The verdict of the guard on one variant.

    `reason` is one plain sentence with the numbers. `estimate` is the loss (positive: worse) or the agreement, as its
    `unit` says, with the number of resampled units as `n`. `details` holds further numbers, as JSON takes them.
    `needed` is the number of resampled units that would do; None where none is known, or where it is not the question.
    """

    verdict: OutputsVerdict
    kind: OutcomeKind
    reason: str
    estimate: Estimate | None = None
    details: Mapping[str, Detail] = field(default_factory=dict[str, Detail])
    worst_slice: SliceOutcome | None = None
    needed: int | None = None


def severity(verdict: OutputsVerdict) -> int:
    """0 for kept, 1 for unproven, 2 for lost: what is claimed of several parts is the worst of them."""
    return _SEVERITY[verdict]
