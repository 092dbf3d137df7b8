"""Which candidate next: the largest expected gain over the leader per second that trying it costs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from unslow.core.heat import Heat
from unslow.core.options import Options
from unslow.search.space import Candidate

RACE_SECONDS = 8.0
"""What opening, warming up and racing a variant takes, roughly, beside building it."""
MOST_LOG_GAIN = math.log(100.0)
"""A ceiling may be infinite (all of the time is waste): beyond a hundredfold only odds and cost order candidates."""
FAILED_ODDS = 0.25
"""What remains of a candidate's odds when its last fix has failed, or has lost the outputs, elsewhere."""


def next_candidate(
    found: Sequence[Candidate], heats: Mapping[str, Heat], leader: float, options: Options, left_s: float
) -> Candidate | None:
    """The best candidate that may still beat the leader and fits into the time left; None when there is none."""
    worth = [
        candidate
        for candidate in found
        if candidate.potential >= leader * options.worth and candidate.build_seconds + RACE_SECONDS / 2 <= left_s
    ]
    return max(worth, key=lambda candidate: score(candidate, heats, leader), default=None)


def score(candidate: Candidate, heats: Mapping[str, Heat], leader: float) -> float:
    """Expected log gain per second; ties go to what has fewer fixes."""
    gain = min(math.log(candidate.potential / leader), MOST_LOG_GAIN)
    odds = candidate.odds * (FAILED_ODDS if _troubled(candidate, heats) else 1.0)
    return gain * odds / (candidate.build_seconds + RACE_SECONDS) - 1e-9 * len(candidate.variant.fixes)


def _troubled(candidate: Candidate, heats: Mapping[str, Heat]) -> bool:
    last = candidate.variant.fixes[-1].name
    return any(
        (heat.failure or heat.lost) and heat.variant.fixes and heat.variant.fixes[-1].name == last
        for heat in heats.values()
    )
