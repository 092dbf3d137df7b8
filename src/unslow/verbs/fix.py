"""`fix`: profile, diagnose, try the fixes, prove them, write the result. The main job."""

from __future__ import annotations

import time
from typing import Any

from unslow.core.events import Listener, silent
from unslow.core.heat import Heat
from unslow.core.options import Options
from unslow.core.trial import Report
from unslow.fixes import all_fixes
from unslow.measure.bench import Bench, Opened, memory_limit, orders
from unslow.measure.finals import PROCESS_PAIRS_WHEN_CLEAR, TURN_PAIRS_PER_PROCESS
from unslow.measure.heats import Original
from unslow.processes.base import Processes
from unslow.processes.local import LocalProcesses
from unslow.runs.folder import RunFolder, user_cache
from unslow.runs.journal import Journal
from unslow.search.contest import race
from unslow.search.space import Known, ceiling_of
from unslow.verbs._decide import decide
from unslow.verbs._look import Look, look
from unslow.verbs._named import Named, keep_options, named
from unslow.verbs._rescue import Again
from unslow.verbs._trials import telling_trials
from unslow.verbs._write import reported, written
from unslow.verify.guard import Guard

LEAST_RACE_SHARE = 0.3
RESCUE_SHARE = 0.05
"""The part of the budget that is kept for putting layers of a lossy variant back to full precision."""
USUAL_FINALISTS = 2
SPAWN_AND_WARM_S = 3.5
"""What opening a process and warming it up takes beside building the model, roughly; for planning the budget."""


def fix(
    what: Any,
    inputs: Any = None,
    *,
    options: Options | None = None,
    out: str = "",
    listener: Listener = silent,
    processes: Processes | None = None,
    **about: Any,
) -> Report:
    """Find out why a model is slow, try what can help, prove what does, and save the winner.

    Parameters
    ----------
    what
        A path or `"file.py:name"`, an `Inference`, a function marked `@unslow.workload`, or a model with its `inputs`.
    inputs
        The requests that are timed, where `what` is a model: arrays or tensors, tuples of them, or dicts.
    options
        Budget, objective and the like; see `Options`.
    out
        The folder to write; default: a new one under `unslow-runs/`.
    about
        Other fields of `Inference`: `metric`, `labels`, `tolerance`, `evaluation`, …

    Returns
    -------
    Report
        With the winner (or None), every trial, and `bundle`: what `unslow.load` takes.

    Raises
    ------
    BadInput, BadUsage, CannotRun
        It cannot be run, or the folder cannot be written.
    """
    return fix_named(
        named(what, inputs, out=out, **about), options or Options(), listener, processes or LocalProcesses()
    )


def fix_named(run: Named, options: Options, listener: Listener, processes: Processes) -> Report:
    """The whole run, from a target to what it leaves on the disk. Goes on where the folder's journal ends."""
    started, journal = time.monotonic(), Journal(run.folder.journal)
    keep_options(options, run.folder)
    seen = look(run.target, run.folder, journal, options, processes, listener)
    bench = _bench(seen, run.folder, options, processes)
    known = Known(bench.original, bench.facts, seen.machine, seen.findings, all_fixes(), options)
    listener = telling_trials(listener, known.fixes, options, started + options.budget_s)
    original, guard = Original(bench), Guard(bench, options)

    def check(opened: Opened, entry: Heat) -> str:
        return guard.check_subset(original.opened(), opened, entry)

    try:
        until = race_until(started, bench, options, RESCUE_SHARE * options.budget_s if can_rescue(known) else 0.0)
        raced = race(bench, original, known, journal, until, listener, check)
        original.close()
        again = Again(original, check, started + options.budget_s - finals_s(bench))
        results = decide(bench, raced, guard, known.fixes, again, options, journal, listener)
    finally:
        original.close()
        guard.close()
    report = reported(seen, known, results, run.folder, time.monotonic() - started, guard.in_evaluation_mode)
    return written(report, results, seen, run.folder)


def race_until(started: float, bench: Bench, options: Options, rescue_s: float = 0.0) -> float:
    """When the race must end: early enough for the rest, but never before a fair part of the budget is spent on it."""
    reserved_s = reserve_s(bench) + rescue_s
    return max(started + options.budget_s - reserved_s, bench.clock() + LEAST_RACE_SHARE * options.budget_s)


def can_rescue(known: Known) -> bool:
    """Whether a lossy fix may be tried of which some layers could go back to full precision."""
    offered = [fix for fix in known.fixes.values() if fix.layers and fix.name not in known.options.skip]
    return any(ceiling_of(fix, known.findings) >= known.options.worth for fix in offered)


def reserve_s(bench: Bench) -> float:
    """What must be left of the budget for judging outputs and for the finals, roughly."""
    facts = bench.facts
    judging = 2 * facts.evaluation_requests * facts.seconds_per_request + facts.build_seconds + SPAWN_AND_WARM_S
    return finals_s(bench) + judging


def finals_s(bench: Bench) -> float:
    """What the finals take, roughly."""
    facts = bench.facts
    turns = TURN_PAIRS_PER_PROCESS * max(0.16, 8 * facts.seconds_per_request)
    # The survey's build found cold files; later ones, with their warm-up, take no longer than that.
    original = max(facts.build_seconds, SPAWN_AND_WARM_S)
    return PROCESS_PAIRS_WHEN_CLEAR * (original + USUAL_FINALISTS * (SPAWN_AND_WARM_S + turns))


def _bench(seen: Look, folder: RunFolder, options: Options, processes: Processes) -> Bench:
    facts = seen.surveyed.facts
    race_order, final_order = orders(facts.requests, options.seed, facts.carried)
    return Bench(
        processes,
        seen.surveyed.workload,
        facts,
        seen.machine,
        folder,
        user_cache(),
        race_order,
        final_order,
        memory_limit(options.memory_bytes),
        patience_s=options.patience_s,
    )
