"""Which candidate next: the largest expected gain over the leader per second that trying it costs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from unslow.core.heat import Heat
from unslow.core.options import Options
from unslow.core.variant import Variant
from unslow.search.space import Candidate

RACE_SECONDS = 8.0
"""What opening, warming up and racing a variant takes, roughly, beside building it."""
MOST_LOG_GAIN = math.log(100.0)
"""A ceiling may be infinite (all of the time is waste): beyond a hundredfold only odds and cost order candidates."""
FAILED_ODDS = 0.25
"""What remains of a candidate's odds when its last fix has failed, or has lost the outputs, elsewhere."""


UNHELPFUL_ODDS = 0.35
"""What remains of them when its last fix has given nothing elsewhere; and once more, when what it is put on has not."""
LEAST_ODDS = 0.1
"""Below this, what has been seen to give nothing is not tried again in yet another form."""

_NONE: Mapping[str, float] = {}


def next_candidate(
    found: Sequence[Candidate],
    heats: Mapping[str, Heat],
    leader: float,
    options: Options,
    left_s: float,
    speedups: Mapping[str, float] = _NONE,
) -> Candidate | None:
    """The best candidate that may still beat the leader and fits into the time left; None when there is none.

    `speedups` are the race's points by variant, against the original.
    """
    worth = [
        candidate
        for candidate in found
        if candidate.potential >= leader * options.worth
        and candidate.build_seconds + RACE_SECONDS / 2 <= left_s
        and not _is_given_up(candidate, heats, speedups, options.noise)
    ]
    return max(worth, key=lambda candidate: score(candidate, heats, leader, speedups, options.noise), default=None)


def score(
    candidate: Candidate,
    heats: Mapping[str, Heat],
    leader: float,
    speedups: Mapping[str, float] = _NONE,
    noise: float = 0.0,
) -> float:
    """Expected log gain per second; ties go to what has fewer fixes."""
    gain = min(math.log(candidate.potential / leader), MOST_LOG_GAIN)
    odds = candidate.odds * (FAILED_ODDS if _troubled(candidate, heats) else 1.0)
    odds *= UNHELPFUL_ODDS ** _times_unhelpful(candidate, heats, speedups, noise)
    return gain * odds / (candidate.build_seconds + RACE_SECONDS) - 1e-9 * len(candidate.variant.fixes)


def _is_given_up(candidate: Candidate, heats: Mapping[str, Heat], speedups: Mapping[str, float], noise: float) -> bool:
    times = _times_unhelpful(candidate, heats, speedups, noise)
    return times > 0 and candidate.odds * UNHELPFUL_ODDS**times < LEAST_ODDS


def _times_unhelpful(
    candidate: Candidate, heats: Mapping[str, Heat], speedups: Mapping[str, float], noise: float
) -> int:
    """Of its last fix and of the variant below it, how many were measured and gave nothing beyond the noise."""
    last, below = candidate.variant.fixes[-1].name, candidate.parent
    gains = [
        _gain(heat, speedups)
        for heat in heats.values()
        if heat.variant.fixes[-1:] and heat.id in speedups and heat.variant.fixes[-1].name == last
    ]
    times = int(bool(gains) and max(gains) <= 1 + noise)
    return times + int(below in speedups and speedups[below] <= 1 + noise)


def _gain(heat: Heat, speedups: Mapping[str, float]) -> float:
    """What the last fix of a variant gave over the variant that it was put on."""
    return speedups[heat.id] / speedups.get(Variant(heat.variant.fixes[:-1]).id, 1.0)


def _troubled(candidate: Candidate, heats: Mapping[str, Heat]) -> bool:
    last = candidate.variant.fixes[-1].name
    return any(
        (heat.failure or heat.lost) and heat.variant.fixes and heat.variant.fixes[-1].name == last
        for heat in heats.values()
    )
