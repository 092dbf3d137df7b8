"""The race over all variants: one after another, the most promising first, until nothing left can win or time is up."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from unslow.core.estimate import Estimate
from unslow.core.events import Event, Listener
from unslow.core.heat import Heat
from unslow.measure.bench import Bench
from unslow.measure.heats import CheckOutputs, Original, Rules, heat
from unslow.measure.race import shared_alpha, speedup
from unslow.runs.journal import Journal
from unslow.search.order import next_candidate
from unslow.search.space import Candidate, Known, candidates

MOST_VARIANTS = 40
"""The error rate is shared between this many intervals, so it must be fixed before the first is looked at."""


@dataclass(frozen=True)
class Raced:
    """Every heat by id, in the order in which they were run."""

    heats: Mapping[str, Heat]
    intervals: Mapping[str, Estimate]


def race(
    bench: Bench,
    original: Original,
    known: Known,
    journal: Journal,
    until: float,
    listener: Listener,
    check: CheckOutputs,
) -> Raced:
    """Run heats until `until` (on the bench's clock); those in the journal are not run again."""
    heats = journal.all("heat", Heat)
    alpha = shared_alpha(known.options.alpha, MOST_VARIANTS)
    while len(heats) < MOST_VARIANTS:
        intervals = {name: speedup(entry.log_ratios, alpha) for name, entry in heats.items() if entry.ran}
        chosen = _choose(known, heats, intervals, until - bench.clock())
        if chosen is None:
            break
        below = heats[chosen.parent].workload if chosen.parent in heats else None
        raced = {str(entry.variant): entry.workload for entry in heats.values() if entry.workload and entry.ran}
        rules = Rules(alpha, known.options.noise, _leading(heats, intervals), until, below, raced)
        entry = heat(bench, original, chosen.variant, rules, known.options, listener, check)
        heats[entry.id] = entry
        journal.add("heat", entry.id, entry)
        seen = speedup(entry.log_ratios, alpha) if entry.ran else None
        listener(Event("race", str(entry.variant), entry.id, seen, payload=entry))
    return Raced(heats, {name: speedup(entry.log_ratios, alpha) for name, entry in heats.items() if entry.ran})


def _choose(
    known: Known, heats: Mapping[str, Heat], intervals: Mapping[str, Estimate], left_s: float
) -> Candidate | None:
    points = {name: interval.point for name, interval in intervals.items()}
    usable = [points[name] for name in points if not heats[name].lost and not heats[name].failure]
    leader = max([1.0, *usable])
    return next_candidate(candidates(known, heats, points), heats, leader, known.options, left_s, points)


def untried(known: Known, raced: Raced) -> tuple[str, ...]:
    """The fixes that might still win when the race ended and that no variant held, the most promising first."""
    if _choose(known, raced.heats, raced.intervals, math.inf) is None:
        return ()
    held = {applied.name for heat in raced.heats.values() for applied in heat.variant.fixes}
    points = {name: interval.point for name, interval in raced.intervals.items()}
    left = sorted(candidates(known, raced.heats, points), key=lambda candidate: -candidate.potential)
    return tuple(dict.fromkeys(name for one in left if (name := one.variant.fixes[-1].name) not in held))


def _leading(heats: Mapping[str, Heat], intervals: Mapping[str, Estimate]) -> Estimate | None:
    """The bounded interval with the highest low end, of those whose outputs are not known to be lost."""
    usable = [intervals[name] for name in intervals if not heats[name].lost and not heats[name].failure]
    bounded = [interval for interval in usable if interval.bounded]
    return max(bounded, key=lambda interval: interval.low, default=None)
