"""The second half of `fix`: who goes to the finals, whose outputs are right, who wins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from unslow.core.estimate import Estimate, verdict_of
from unslow.core.events import Listener
from unslow.core.heat import Final, Heat
from unslow.core.options import Options
from unslow.core.trial import Guarded
from unslow.core.variant import Fix
from unslow.measure.bench import Bench
from unslow.measure.final_rounds import hold_finals
from unslow.measure.finals import PROCESS_PAIRS, process_pairs_for
from unslow.measure.race import is_behind
from unslow.runs.journal import Journal
from unslow.search.contest import Raced
from unslow.verbs._budget import Budget
from unslow.verbs._judges import Judges, lossy_variants
from unslow.verbs._rescue import Again, rescued
from unslow.verbs._trials import Results
from unslow.verify.guard import Guard
from unslow.verify.training import TrainingGuard

ROUNDS = 5
"""Rounds of the finals of whoever is clearly faster, where the budget has time for them."""
MOST_JUDGED = 8
"""Lossy variants whose outputs are judged in full, from the fastest down, until the finals are full."""
MOST_UNPROVEN = 1
"""Finalists that cannot win, since too few samples show their accuracy: they are shown, and cost time."""


@dataclass(frozen=True)
class Chosen:
    """The finalists, and why others were set aside."""

    finalists: tuple[Heat, ...]
    set_aside: Mapping[str, str]


def decide(
    bench: Bench,
    raced: Raced,
    guard: Guard | TrainingGuard,
    fixes: Mapping[str, Fix],
    again: Again,
    budget: Budget,
    journal: Journal,
    listener: Listener,
) -> Results:
    """Judge from the fastest down, rescue what lost its outputs, hold the finals, put everything together."""
    options = budget.options
    judges = Judges(bench, guard, fixes, lossy_variants(raced.heats, fixes), journal, listener)
    chosen = _choose_finalists(judges, raced, budget)
    more = rescued(bench, raced, judges, fixes, again, options, journal, listener)
    again.original.close()
    if more is not raced:
        raced, chosen = more, _choose_finalists(judges, more, budget)
    known = journal.all("final", Final)
    finals = {heat.id: known[heat.id] for heat in chosen.finalists if heat.id in known}
    missing = [heat for heat in chosen.finalists if heat.id not in known]
    # A limit on p99 needs more calls than a clear speed-up does.
    clear = {heat.id: max(ROUNDS, process_pairs_for(raced.intervals[heat.id])) for heat in missing}
    pairs = clear if options.p99_below_ms is None else dict.fromkeys(clear, PROCESS_PAIRS)

    def keep(final: Final) -> None:
        journal.add("final", final.id, final)

    held = hold_finals(bench, missing, judges.bundles, pairs, options, listener, keep, budget.ends)
    return Results(
        raced.heats,
        raced.intervals,
        judges.guarded,
        {**finals, **held.finals},
        {**judges.failures, **held.failures},
        chosen.set_aside,
    )


def _choose_finalists(judges: Judges, raced: Raced, budget: Budget) -> Chosen:
    """From the fastest down: what is right goes to the finals, until the next is clearly behind, or time is short."""
    options = budget.options
    finalists: list[Heat] = []
    aside: dict[str, str] = {}
    lossy_judged = 0
    for heat in _hopeful(raced, options):
        leader = _leader(finalists, judges.guarded, raced.intervals)
        if leader is not None and (len(finalists) >= budget.finalists or is_behind(raced.intervals[heat.id], leader)):
            break
        lossy_judged += judges.is_lossy(heat)
        if judges.is_lossy(heat) and lossy_judged > MOST_JUDGED:
            aside[heat.id] = f"Its outputs were not judged: {MOST_JUDGED} faster lossy variants were."
        elif (said := judges.verdict(heat)) is not None:
            reason = _why_aside(said, finalists, judges, options)
            if reason:
                aside[heat.id] = reason
            else:
                finalists.append(heat)
    return Chosen(tuple(finalists), aside)


def _why_aside(said: Guarded, finalists: list[Heat], judges: Judges, options: Options) -> str:
    """Why a variant that was judged does not go to the finals; "" if it does."""
    if said.verdict == "lost":
        return said.reason
    unproven = sum(judges.guarded[finalist.id].verdict == "unproven" for finalist in finalists)
    if said.verdict == "unproven" and not options.accept_unproven and unproven >= MOST_UNPROVEN:
        return f"Its outputs are unproven ({said.reason}); it is not in the finals, where {unproven} such variants are."
    return ""


def _hopeful(raced: Raced, options: Options) -> list[Heat]:
    """Those that may be faster, the fastest first; what is no faster than the noise could not be shown to be."""
    may_win = [
        heat
        for heat in raced.heats.values()
        if heat.ran
        and not heat.failure
        and not heat.lost
        and heat.id in raced.intervals
        and verdict_of(raced.intervals[heat.id], options.noise) in ("faster", "undecided")
        and raced.intervals[heat.id].point > 1 + options.noise
    ]
    return sorted(may_win, key=lambda heat: -raced.intervals[heat.id].point)


def _leader(
    finalists: list[Heat], guarded: Mapping[str, Guarded], intervals: Mapping[str, Estimate]
) -> Estimate | None:
    """The best interval among finalists whose outputs are kept: only they end the search for finalists."""
    kept = [intervals[heat.id] for heat in finalists if guarded[heat.id].verdict == "kept"]
    return max(kept, key=lambda interval: interval.low, default=None)
