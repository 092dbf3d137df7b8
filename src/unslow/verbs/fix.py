"""`fix`: profile, diagnose, try the fixes, prove them, write the result. The main job."""

from __future__ import annotations

import shutil
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

from unslow.core.events import Event, Listener, silent
from unslow.core.options import Options
from unslow.core.trial import Report
from unslow.core.workload import Target
from unslow.fixes import all_fixes
from unslow.measure.bench import Bench, memory_limit, orders
from unslow.measure.finals import TURN_PAIRS_PER_PROCESS
from unslow.measure.heats import Original
from unslow.processes.base import Processes
from unslow.processes.local import LocalProcesses
from unslow.runs.folder import RunFolder, new_folder, user_cache
from unslow.runs.journal import Journal
from unslow.search.contest import race
from unslow.search.space import Known
from unslow.verbs._decide import decide
from unslow.verbs._look import Look, look
from unslow.verbs._write import reported, written
from unslow.verify.guard import Guard

SPAWN_AND_WARM_S = 6.0
"""What opening a process and warming it up takes beside building the model, roughly; for planning the budget."""


@dataclass(frozen=True)
class Finished:
    """What a run left: the report and where it lies."""

    report: Report
    folder: RunFolder


def fix_target(
    target: Target,
    options: Options | None = None,
    *,
    out: str = "",
    resume: str = "",
    listener: Listener = silent,
    processes: Processes | None = None,
) -> Finished:
    """The whole run, from a target to what it leaves on the disk.

    Raises
    ------
    BadInput, CannotRun
        The target cannot be run, or the folder cannot be written.
    """
    options, processes, started = options or Options(), processes or LocalProcesses(), time.monotonic()
    folder = RunFolder(Path(resume).resolve()) if resume else new_folder(target, out)
    journal = Journal(folder.journal)
    seen = look(target, folder, journal, options, processes, listener)
    bench = _bench(seen, folder, options, processes)
    known = Known(bench.original, bench.facts, seen.machine, seen.findings, all_fixes(), options)
    original, guard = Original(bench), Guard(bench, options)
    try:
        until = started + options.budget_s - reserve_s(bench)
        raced = race(bench, original, known, journal, until, listener, guard_subset(guard, original))
        original.close()
        results = decide(bench, raced, guard, known.fixes, options, journal, listener)
    finally:
        original.close()
        guard.close()
    report = reported(seen, known, results, folder, time.monotonic() - started, guard.in_evaluation_mode)
    return Finished(written(report, results, seen, folder), folder)


def guard_subset(guard: Guard, original: Original):  # noqa: ANN201 - a CheckOutputs
    return lambda opened, entry: guard.check_subset(original.opened(), opened, entry)


def reserve_s(bench: Bench) -> float:
    """What must be left of the budget for judging outputs and for the finals, roughly."""
    facts = bench.facts
    opening = facts.build_seconds + SPAWN_AND_WARM_S
    turns = TURN_PAIRS_PER_PROCESS * max(0.16, 8 * facts.seconds_per_request)
    judging = 2 * facts.evaluation_requests * facts.seconds_per_request + 2 * opening
    return 3 * (2 * opening + turns) + judging


def _bench(seen: Look, folder: RunFolder, options: Options, processes: Processes) -> Bench:
    facts = seen.surveyed.facts
    race_order, final_order = orders(facts.requests, options.seed, facts.carried)
    return Bench(
        processes, seen.surveyed.workload, facts, seen.machine, folder, user_cache(), race_order, final_order,
        memory_limit(options.memory_bytes),
    )  # fmt: skip
