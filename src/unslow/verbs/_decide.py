"""The second half of `fix`: who goes to the finals, whose outputs are right, who wins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from unslow.core.errors import WorkerFailed
from unslow.core.estimate import Estimate, verdict_of
from unslow.core.events import Event, Listener
from unslow.core.heat import Final, Heat
from unslow.core.jsonable import to_json
from unslow.core.options import Options
from unslow.core.trial import Guarded
from unslow.core.variant import Fix
from unslow.measure.bench import BUILD_TIMEOUT_S, Bench, start
from unslow.measure.final_rounds import hold_finals
from unslow.measure.finals import process_pairs_for
from unslow.measure.race import is_behind
from unslow.runs.journal import Journal
from unslow.search.contest import Raced
from unslow.search.space import riskiest
from unslow.verbs._trials import Results
from unslow.verify.guard import Guard

MOST_FINALISTS = 3
MOST_JUDGED = 8
"""Variants whose outputs are judged in full, from the fastest down, until the finals are full."""


@dataclass(frozen=True)
class Chosen:
    """The finalists, their bundles, the verdicts on outputs so far, and why others were set aside."""

    finalists: tuple[Heat, ...]
    bundles: Mapping[str, Path]
    guarded: Mapping[str, Guarded]
    set_aside: Mapping[str, str]
    failures: Mapping[str, str]


def decide(
    bench: Bench,
    raced: Raced,
    guard: Guard,
    fixes: Mapping[str, Fix],
    options: Options,
    journal: Journal,
    listener: Listener,
) -> Results:
    """Judge from the fastest down, hold the finals, put everything together."""
    chosen = _choose_finalists(bench, raced, guard, fixes, options, journal, listener)
    known = journal.all("final", Final)
    finals = {heat.id: known[heat.id] for heat in chosen.finalists if heat.id in known}
    missing = [heat for heat in chosen.finalists if heat.id not in known]
    pairs = {heat.id: process_pairs_for(raced.intervals[heat.id]) for heat in missing}
    held = hold_finals(bench, missing, chosen.bundles, pairs, options, listener)
    for name, final in held.finals.items():
        journal.add("final", name, final)
    return Results(
        raced.heats,
        raced.intervals,
        chosen.guarded,
        {**finals, **held.finals},
        {**chosen.failures, **held.failures},
        chosen.set_aside,
    )


def _choose_finalists(
    bench: Bench,
    raced: Raced,
    guard: Guard,
    fixes: Mapping[str, Fix],
    options: Options,
    journal: Journal,
    listener: Listener,
) -> Chosen:
    """From the fastest down: what is right goes to the finals, until the next is clearly behind a finalist."""
    hopeful = _hopeful(raced, options)
    lossy = sum(riskiest(fixes, heat.variant) == "lossy" for heat in raced.heats.values() if heat.ran)
    finalists: list[Heat] = []
    bundles: dict[str, Path] = {}
    guarded = journal.all("guarded", Guarded)
    aside: dict[str, str] = {}
    failures: dict[str, str] = {}
    for heat in hopeful[:MOST_JUDGED]:
        leader = _leader(finalists, guarded, raced.intervals)
        if leader is not None and (len(finalists) >= MOST_FINALISTS or is_behind(raced.intervals[heat.id], leader)):
            break
        try:
            bundles[heat.id] = _bundle(bench, heat, listener)
        except WorkerFailed as error:
            failures[heat.id] = f"Its bundle could not be written: {error.what}"
            continue
        if heat.id not in guarded:
            listener(Event("guard", f"checking every output of {heat.variant}", heat.id))
            guarded[heat.id] = guard.judge(heat, riskiest(fixes, heat.variant), lossy, str(bundles[heat.id]))
            journal.add("guarded", heat.id, guarded[heat.id])
        if guarded[heat.id].verdict == "lost":
            aside[heat.id] = guarded[heat.id].reason
        else:
            finalists.append(heat)
    return Chosen(tuple(finalists), bundles, guarded, aside, failures)


def _hopeful(raced: Raced, options: Options) -> list[Heat]:
    """Those that may be faster, the fastest first."""
    may_win = [
        heat
        for heat in raced.heats.values()
        if heat.ran
        and not heat.failure
        and not heat.lost
        and heat.id in raced.intervals
        and verdict_of(raced.intervals[heat.id], options.noise) in ("faster", "undecided")
        and raced.intervals[heat.id].point > 1
    ]
    return sorted(may_win, key=lambda heat: -raced.intervals[heat.id].point)


def _leader(
    finalists: list[Heat], guarded: Mapping[str, Guarded], intervals: Mapping[str, Estimate]
) -> Estimate | None:
    """The best interval among finalists whose outputs are kept: only they end the search for finalists."""
    kept = [intervals[heat.id] for heat in finalists if guarded[heat.id].verdict == "kept"]
    return max(kept, key=lambda interval: interval.low, default=None)


def _bundle(bench: Bench, heat: Heat, listener: Listener) -> Path:
    folder = bench.folder.bundles / heat.id
    if (folder / "manifest.json").is_file():
        return folder
    listener(Event("bundle", f"saving {heat.variant}", heat.id))
    if heat.workload is None:
        raise WorkerFailed("It was never built.")
    with start(bench, f"bundle-{heat.id}", heat.workload.host) as process:
        process.ask(
            "bundle",
            BUILD_TIMEOUT_S,
            folder=str(folder),
            workload=to_json(heat.workload),
            fixes=to_json(heat.variant.fixes),
            facts=to_json(bench.facts),
            machine=to_json(bench.machine),
            survey=str(bench.folder.survey),
        )
    return folder
