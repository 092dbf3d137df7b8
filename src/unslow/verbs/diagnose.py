"""`diagnose`: what slows it, ranked by how much fixing it can give at most."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from unslow.core.events import Listener, silent
from unslow.core.options import Options
from unslow.core.trial import Report
from unslow.fixes import fixes_for
from unslow.processes.base import Processes
from unslow.processes.local import LocalProcesses
from unslow.report._summary import summarised
from unslow.runs.journal import Journal
from unslow.scripts.made import LOG, remove_made
from unslow.verbs._call import call
from unslow.verbs._look import Look, look, rated
from unslow.verbs._named import named
from unslow.verbs._recorded import ELSEWHERE, recorded, recording_of


def diagnose(
    what: Any,
    inputs: Any = None,
    *,
    shapes: Mapping[str, Sequence[int]] | None = None,
    arguments: Sequence[str] | None = None,
    trust: bool = False,
    options: Options | None = None,
    listener: Listener = silent,
    processes: Processes | None = None,
    **about: Any,
) -> Report:
    """Watch a workload run, or read a recording; say what slows it, and the most that removing each cause can give.

    Parameters and errors are those of `unslow.fix`. Nothing is tried and nothing stays on the disk: the report has no
    trials, and its `findings` come with `share` (of the time, 0 to 1) and `ceiling` (a ratio; None: unbounded).
    """
    options, started = options or Options(), time.monotonic()
    if recording := recording_of(what):
        return _of_a_recording(recording, options, listener, started)
    about = {"shapes": shapes, "arguments": arguments, "trust": trust, **about}
    seen = looked_at(what, inputs, options, listener, processes or LocalProcesses(), about)
    return Report(
        target=str(seen.surveyed.workload.target),
        environment=seen.machine,
        seed=options.seed,
        objective=options.objective,
        noise=options.noise,
        profile=summarised(seen.profile),
        findings=rated(seen.findings, options.worth, fixes_for(seen.surveyed.facts.framework)),
        trials=(),
        winner=None,
        elapsed_s=time.monotonic() - started,
        command=call("diagnose", what, inputs=inputs, options=options, **about),
        notes=seen.notes,
    )


def _of_a_recording(path: Path, options: Options, listener: Listener, started: float) -> Report:
    seen = recorded(path, options, listener)
    return Report(
        target=str(path),
        environment=ELSEWHERE,
        seed=options.seed,
        objective=options.objective,
        noise=options.noise,
        profile=summarised(seen.profile),
        findings=seen.rated(options.worth),
        trials=(),
        winner=None,
        elapsed_s=time.monotonic() - started,
        command=call("diagnose", str(path), options=options),
        notes=seen.notes,
    )


def looked_at(
    what: Any, inputs: Any, options: Options, listener: Listener, processes: Processes, about: Mapping[str, Any]
) -> Look:
    """A look in a folder that is gone afterwards; `about` is what else `named` takes."""
    with tempfile.TemporaryDirectory(prefix="unslow-look-") as scratch:
        run = named(what, inputs, out=str(Path(scratch) / "run"), **about)
        try:
            return look(run.target, run.folder, Journal(run.folder.journal), options, processes, listener)
        finally:
            remove_made(run.folder.survey / LOG)
