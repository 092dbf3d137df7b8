"""How the budget is shared out: the race gets what judging and the finals will hardly need, and what is left when they
begin decides how many finalists there are and how many rounds.

All seconds are rough, from the survey's times; the finals themselves then look at the clock.
"""

from __future__ import annotations

from dataclasses import dataclass

from unslow.core.options import Options
from unslow.core.variant import Fix
from unslow.measure.bench import LEAST_TURN_PAIRS, Bench
from unslow.measure.finals import PROCESS_PAIRS_WHEN_CLEAR
from unslow.measure.turns import TURN_SECONDS, TURN_STEPS, UNTIMED_STEPS
from unslow.search.space import Known, candidates, ceiling_of
from unslow.verify.script_runs import steps_within
from unslow.verify.training_losses import SEEDS

LEAST_RACE_SHARE = 0.3
RESCUE_SHARE = 0.05
"""Kept for putting layers of a lossy variant back to full precision."""
MOST_FINALISTS = 3
PLANNED_FINALISTS, PLANNED_JUDGED = 1, 2
"""Whoever wins clearly needs no more; the race is worth more than a second finalist that may not come. Of those that
are judged over several seeds one alone is planned."""
SPAWN_S, WARM_S = 2.0, 2.0
"""What opening a process takes beside building the model, and what warming it up takes."""


@dataclass(frozen=True)
class Budget:
    """Of one run, that began at `started` on the bench's clock. `steady_s`: what a changed script may take until it is
    steady, whenever it is opened. `seeds`: over how many a changed script may be judged."""

    bench: Bench
    options: Options
    started: float
    steady_s: float = 0.0
    seeds: int = 0

    @property
    def ends(self) -> float:
        return self.started + self.options.budget_s

    def race_ends(self, rescues: bool) -> float:
        """Early enough for the rest, but never before a fair part of the budget is spent on the race."""
        rescue_s = RESCUE_SHARE * self.options.budget_s if rescues else 0.0
        judged = 1 if self.seeds else PLANNED_JUDGED
        planned = self.ends - self.judging_s(judged) - self.finals_s(PLANNED_FINALISTS) - rescue_s
        return max(planned, self.bench.clock() + LEAST_RACE_SHARE * self.options.budget_s)

    @property
    def rescue_ends(self) -> float:
        """When nothing more may be put back to full precision, for the finals to be in time."""
        return self.ends - self.finals_s(PLANNED_FINALISTS)

    @property
    def finalists(self) -> int:
        """How many fit into what is left now, where each that is judged may need what one does; one is measured
        whatever the time."""
        left_s = self.ends - self.bench.clock() - self.judging_s(1)
        return max([1, *(n for n in range(2, MOST_FINALISTS + 1) if self.finals_s(n) <= left_s)])

    def judging_s(self, variants: int) -> float:
        """Saving variants, and every answer of theirs, which take no longer than the original's. Of a script: the
        losses of its first steps, and the original's; over seeds both run at the same time."""
        facts = self.bench.facts
        if facts.script is not None:
            steps_s = steps_within(facts.seconds_per_request) * facts.seconds_per_request
            return (1 + variants * (1 + self.seeds)) * (facts.build_seconds + SPAWN_S + steps_s)
        return variants * (facts.build_seconds + SPAWN_S + facts.evaluation_requests * facts.seconds_per_request)

    def finals_s(self, finalists: int) -> float:
        """As few rounds as there may be, of a script with as few turns; the first finalist opens with the original."""
        facts = self.bench.facts
        if facts.script is not None and facts.script.whole_runs:
            return PROCESS_PAIRS_WHEN_CLEAR * finalists * 2 * (facts.script.run_s + SPAWN_S)
        pairs = self.bench.turn_pairs if facts.script is None else min(LEAST_TURN_PAIRS, self.bench.turn_pairs)
        warm_s = max(WARM_S, 2 * self._turn_s)
        opening_s = max(facts.build_seconds, SPAWN_S) + warm_s + (finalists - 1) * SPAWN_S
        return PROCESS_PAIRS_WHEN_CLEAR * (opening_s + finalists * (warm_s + self.steady_s + pairs * 2 * self._turn_s))

    @property
    def _turn_s(self) -> float:
        """A turn of the original's, with the steps before it that are not timed."""
        facts = self.bench.facts
        together = 1 if facts.script is None else facts.script.turn_steps(facts.seconds_per_request)
        steps = max(TURN_STEPS, together) + max(UNTIMED_STEPS, together)
        return max(TURN_SECONDS, steps * facts.seconds_per_request)


def can_rescue(known: Known) -> bool:
    """Whether a lossy fix may be tried of which some layers could go back to full precision."""
    return any(fix.layers and ceiling_of(fix, known.findings) >= known.options.worth for fix in _not_skipped(known))


def seeds_for(known: Known) -> int:
    """Over how many seeds variants of a script may be judged: those of a fix that changes its losses, also for what is
    not worth it yet. On a variant that is many times as fast it may be."""
    found = {finding.habit for finding in known.findings}
    lossy = [fix for fix in _not_skipped(known) if fix.tag == "lossy" and found.intersection(fix.treats)]
    return SEEDS if lossy and known.facts.script is not None else 0


def _not_skipped(known: Known) -> list[Fix]:
    return [fix for fix in known.fixes.values() if fix.name not in known.options.skip]


def steady_s(known: Known) -> float:
    """What the slowest to start of the first fixes of a script takes until it is steady: a cache is filled, workers
    begin. A model's are built once, and opened from their files."""
    script = known.facts.script
    firsts = candidates(known, {}, {}) if script is not None else []
    lasts = [one.variant.fixes[-1] for one in firsts]
    steps = [known.fixes[last.name].warm_steps(last.parameters) for last in lasts]
    return max(steps, default=0) * known.facts.seconds_per_request
