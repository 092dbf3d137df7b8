"""`diagnose`: what slows it, ranked by how much fixing it can give at most."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from unslow.core.events import Listener, silent
from unslow.core.options import Options
from unslow.core.trial import Report
from unslow.fixes import all_fixes
from unslow.processes.base import Processes
from unslow.processes.local import LocalProcesses
from unslow.report._summary import summarised
from unslow.runs.journal import Journal
from unslow.targets import Declared
from unslow.verbs._look import Look, look, rated
from unslow.verbs._named import named
from unslow.verbs._write import command


def diagnose(
    what: Any,
    inputs: Any = None,
    *,
    options: Options | None = None,
    declared: Declared | None = None,
    listener: Listener = silent,
    processes: Processes | None = None,
    **about: Any,
) -> Report:
    """Watch a workload run; say what slows it, and the most that removing each cause can give.

    Parameters and errors are those of `unslow.fix`. Nothing is tried and nothing stays on the disk: the report has no
    trials.
    """
    options, started = options or Options(), time.monotonic()
    seen = looked_at(what, inputs, options, declared, listener, processes or LocalProcesses(), about)
    return Report(
        target=str(seen.surveyed.workload.target),
        environment=seen.machine,
        seed=options.seed,
        objective=options.objective,
        noise=options.noise,
        profile=summarised(seen.profile),
        findings=rated(seen.findings, options.worth, all_fixes()),
        trials=(),
        winner=None,
        elapsed_s=time.monotonic() - started,
        command=command(seen),
        notes=seen.notes,
    )


def looked_at(
    what: Any,
    inputs: Any,
    options: Options,
    declared: Declared | None,
    listener: Listener,
    processes: Processes,
    about: Mapping[str, Any],
) -> Look:
    """A look in a folder that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="unslow-look-") as scratch:
        run = named(what, inputs, out=str(Path(scratch) / "run"), declared=declared, **about)
        return look(run.target, run.folder, Journal(run.folder.journal), options, processes, listener)
