"""`fix`: profile, diagnose, try the fixes, prove them, write the result. The main job."""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Mapping, Sequence
from typing import Any

from unslow.core.errors import MissingExtra
from unslow.core.events import Event, Listener, silent
from unslow.core.heat import Heat
from unslow.core.options import Options
from unslow.core.trial import Report
from unslow.fixes import fixes_for
from unslow.measure.bench import Opened
from unslow.measure.heats import Original
from unslow.processes.base import Processes
from unslow.processes.local import LocalProcesses
from unslow.runs.journal import Journal
from unslow.scripts.made import LOG, remove_made
from unslow.search.contest import race
from unslow.search.space import Known
from unslow.verbs._bench import bench_of
from unslow.verbs._budget import Budget, can_rescue, seeds_for, steady_s
from unslow.verbs._call import call
from unslow.verbs._decide import decide
from unslow.verbs._look import look
from unslow.verbs._named import Named, keep_options, named
from unslow.verbs._original import with_original
from unslow.verbs._rescue import Again
from unslow.verbs._trials import telling_trials, why_slower
from unslow.verbs._write import reported, written
from unslow.verify.guard import Guard
from unslow.verify.training import TrainingGuard


def fix(
    what: Any,
    inputs: Any = None,
    *,
    shapes: Mapping[str, Sequence[int]] | None = None,
    arguments: Sequence[str] | None = None,
    trust: bool = False,
    options: Options | None = None,
    out: str = "",
    listener: Listener = silent,
    processes: Processes | None = None,
    **about: Any,
) -> Report:
    """Find out why a model or a script is slow, try what can help, prove what does, and save the winner.

    Parameters
    ----------
    what
        A path (of a model file, a script or a bundle) or `"file.py:name"`, an `Inference`, a function marked
        `@unslow.workload`, or a model with its `inputs`.
    inputs
        The requests that are timed, for a model, a model file or a bundle: a list of arrays or tensors of any shape and
        dtype, of tuples of them (positional), or of dicts (by input name); or the path of an `.npz` with arrays named
        `input`, or `number/input` for several requests. A workload says itself what its inputs are.
    shapes
        `{"image": (1, 3, 224, 224)}`: of the declared inputs of an `.onnx` file, where no `inputs` are given.
    arguments
        A script's own arguments, as on its command line.
    trust
        Whether to load files that can run code (`.pt2`, any bundle but one for ONNX Runtime or OpenVINO).
    options
        Budget (seconds), objective and the like; `unslow.Options`.
    out
        The folder to write; default: a new one under `unslow-runs/`.
    about
        Other fields of `unslow.Inference`: `metric`, `labels`, `tolerance`, `evaluation`, …

    Returns
    -------
    Report
        With the winner (or None), every trial, and `bundle`: what `unslow.load` takes; of a script, `patch` instead:
        what `git apply` takes.

    Raises
    ------
    BadInput, BadUsage, CannotRun
        It cannot be run, or the folder cannot be written. A script needs the extra `scripts`.
    """
    about = {"shapes": shapes, "arguments": arguments, "trust": trust, **about}
    repeats = call("fix", what, inputs=inputs, options=options, out=out, **about)
    run = named(what, inputs, out=out, command=repeats, **about)
    return fix_named(run, options or Options(), listener, processes or LocalProcesses())


def fix_named(run: Named, options: Options, listener: Listener, processes: Processes) -> Report:
    """The whole run, from a target to what it leaves on the disk. Goes on where the folder's journal ends."""
    try:
        return _fixed(run, options, listener, processes)
    finally:
        remove_made(run.folder.survey / LOG)


def _fixed(run: Named, options: Options, listener: Listener, processes: Processes) -> Report:
    started, journal = time.monotonic(), Journal(run.folder.journal)
    if run.target.kind == "script" and importlib.util.find_spec("libcst") is None:
        raise MissingExtra("libcst", "scripts", "A patch of a script")
    keep_options(options, run.folder)
    seen = look(run.target, run.folder, journal, options, processes, listener)
    bench = bench_of(seen.surveyed, seen.machine, run.folder, options, processes)
    known = Known(bench.original, bench.facts, seen.machine, seen.findings, fixes_for(bench.facts.framework), options)
    budget = Budget(bench, options, started, steady_s(known), seeds_for(known))
    listener = telling_trials(listener, known.fixes, options, budget.ends, why_slower(known))
    original = Original(bench)
    guard = TrainingGuard(bench, options) if bench.facts.script else Guard(bench, options)

    def check(opened: Opened, entry: Heat) -> str:
        return guard.check_subset(original.opened(), opened, entry)

    try:
        listener(Event("guard", "the original answers what it will be judged by"))
        guard.prepare(original.opened)
        raced = race(bench, original, known, journal, budget.race_ends(can_rescue(known)), listener, check)
        original.close()
        again = Again(original, check, budget.rescue_ends)
        results = decide(bench, raced, guard, known.fixes, again, budget, journal, listener)
        results = with_original(results, bench, options, journal, listener)
    finally:
        original.close()
        guard.close()
    made = remove_made(run.folder.survey / LOG)
    elapsed_s = time.monotonic() - started
    report = reported(seen, known, results, run.folder, elapsed_s, guard.in_evaluation_mode, made)
    return written(report, results, seen, run.folder)
