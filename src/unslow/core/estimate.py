"""A number that is shown: a point with its interval, and the verdict that follows from it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

Verdict = Literal["faster", "slower", "same", "undecided", "failed"]
OutputsVerdict = Literal["kept", "lost", "unproven"]


@dataclass(frozen=True)
class Estimate:
    """`point` with its interval `[low, high]` at confidence `level` from `n` replicates, in `unit` ("x" for a ratio).

    `low` may be `-inf` or 0 and `high` may be `inf` while too little is known.
    """

    point: float
    low: float
    high: float
    level: float
    n: int
    unit: str = "x"

    def __post_init__(self) -> None:
        if not self.low <= self.high:
            raise ValueError(f"interval is empty or not a number: [{self.low}, {self.high}]")

    @property
    def bounded(self) -> bool:
        """Whether both ends are finite and, for a ratio, above zero."""
        return math.isfinite(self.low) and math.isfinite(self.high) and not (self.unit == "x" and self.low <= 0)

    def exp(self) -> Estimate:
        """The estimate of a ratio from that of its logarithm."""
        return Estimate(math.exp(self.point), math.exp(self.low), _exp(self.high), self.level, self.n, "x")


def _exp(value: float) -> float:
    return math.inf if value > 700 else math.exp(value)


def verdict_of(speedup: Estimate, noise: float) -> Verdict:
    """What the interval of a speed-up says against a band of ± `noise` (0.02: two percent).

    `faster` and `slower` need the whole interval beyond the band, `same` the whole interval inside it.
    """
    if speedup.low > 1 + noise:
        return "faster"
    if speedup.high < 1 / (1 + noise):
        return "slower"
    if 1 / (1 + noise) <= speedup.low and speedup.high <= 1 + noise:
        return "same"
    return "undecided"
