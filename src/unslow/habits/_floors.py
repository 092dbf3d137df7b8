"""What must remain of the time at stake, put together from the micro-benchmarks of this machine."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Part:
    """A `share` of the wall time, and what must remain of it (`floor`; None: not measured on this machine)."""

    share: float
    floor: float | None


def joined(parts: Iterable[Part]) -> Part:
    """The parts as one: shares add up, floors are weighted by share; no floor if one of them has none.

    A floor above 1 (the other way is slower here) counts as 1, since what does not pay can be left as it is.
    """
    kept = [part for part in parts if part.share > 0]
    share = min(1.0, sum(part.share for part in kept))
    remains = 0.0
    for part in kept:
        if part.floor is None:
            return Part(share, None)
        remains += part.share * bounded(part.floor)
    return Part(share, bounded(remains / sum(part.share for part in kept)) if kept else 1.0)


def bounded(floor: float) -> float:
    """The floor, kept between 0 and 1, so that a ceiling is never below 1."""
    return min(1.0, max(0.0, floor))
