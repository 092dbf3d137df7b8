"""`compare`: is B faster than A? By how much, how sure?"""

from __future__ import annotations

import shlex
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from unslow.core.comparison import Comparison, Side
from unslow.core.errors import BadUsage
from unslow.core.estimate import Estimate, verdict_of
from unslow.core.events import Listener, silent
from unslow.core.options import Options
from unslow.core.trial import Speedup
from unslow.machine.facts import this_machine
from unslow.measure.duel import Fought, duel
from unslow.measure.turns import Turn
from unslow.processes.base import Processes
from unslow.processes.local import LocalProcesses
from unslow.scripts.made import LOG, remove_made
from unslow.targets import takes_shapes
from unslow.verbs._call import call
from unslow.verbs._named import Named, named
from unslow.verbs._script_sides import ScriptSides
from unslow.verbs._sides import Sides
from unslow.verbs._trials import percentiles


def compare(
    a: Any,
    b: Any,
    inputs: Any = None,
    *,
    shapes: Mapping[str, Sequence[int]] | None = None,
    trust: bool = False,
    options: Options | None = None,
    listener: Listener = silent,
    processes: Processes | None = None,
) -> Comparison:
    """Time two workloads in turns, each in processes of its own, on the same stream of requests.

    Parameters
    ----------
    a, b
        What `unslow.fix` takes: a path, `"file.py:name"`, a bundle; or a callable or model. A function without
        parameters needs no inputs. Or two scripts, each with its arguments: `"train.py --epochs 3"`; they are compared
        by their steps.
    inputs
        The requests of both, as `unslow.fix` takes them. Without them both answer those of `a`; those of `b`, where
        only `b` has real ones.
    shapes, trust
        As `unslow.fix` takes them, for those that are model files or bundles.
    options
        Objective, noise, seed and the like; `unslow.Options`.

    Returns
    -------
    Comparison
        How many times faster `b` is, with its interval over fresh pairs of processes, and the verdict; and whether `b`
        answers as `a` does. Times are in seconds or ms, as the names say; memory in bytes.

    Raises
    ------
    BadInput, BadUsage, CannotRun
        One of them cannot be run, or they cannot answer the same requests.
    """
    options, started = options or Options(), time.monotonic()
    with tempfile.TemporaryDirectory(prefix="unslow-compare-") as scratch:
        about: dict[str, Any] = {"shapes": shapes, "trust": trust}
        try:
            sides = both_sides(a, b, Path(scratch), options, processes or LocalProcesses(), listener, inputs, **about)
            fought = duel(partial(sides.open, 0), partial(sides.open, 1), options, listener, sides.turn_pairs)
            found = _compared(fought, sides.names, options)
            found = replace(found, outputs=sides.outputs(), notes=sides.notes(), elapsed_s=time.monotonic() - started)
        finally:
            for log in Path(scratch).glob(f"*/work/survey/{LOG}"):
                remove_made(log)
    return replace(found, command=call("compare", a, b, inputs=inputs, options=options, **about))


def both_sides(
    a: Any,
    b: Any,
    scratch: Path,
    options: Options,
    processes: Processes,
    listener: Listener,
    inputs: Any = None,
    **about: Any,
) -> Sides | ScriptSides:
    """What opens the two; `scratch` is a folder for their files. Parameters and errors are those of `compare`."""
    both = [_named(what, inputs, scratch / name, about) for what, name in ((a, "a"), (b, "b"))]
    scripts = [run for run in both if run.target.kind == "script"]
    if len(scripts) == 1:
        raise BadUsage(
            f"{scripts[0].target} is a script, and what it is to be compared with is none.",
            "Compare a script with a script, or a workload with a workload.",
        )
    if scripts:
        return ScriptSides(both, options, processes, listener)
    return Sides([run.target for run in both], scratch, options, processes, listener, inputs is not None)


def _named(what: Any, inputs: Any, folder: Path, about: Mapping[str, Any]) -> Named:
    """Only a model file can have declared shapes; what else there is says itself what its inputs are."""
    if not isinstance(what, (str, Path)):
        return named(what, inputs, out=str(folder))
    script = _with_arguments(str(what))
    if script is not None:
        return named(script[0], inputs, out=str(folder), arguments=script[1:], trust=bool(about.get("trust")))
    fitting = about if takes_shapes(str(what)) else {**about, "shapes": None}
    return named(what, inputs, out=str(folder), **fitting)


def _with_arguments(what: str) -> list[str] | None:
    """A script and its arguments, as they are typed; None for what else there is."""
    try:
        words = shlex.split(what)
    except ValueError:
        return None
    return words if len(words) > 1 and not Path(what).exists() and words[0].endswith(".py") else None


def _compared(fought: Fought, names: Sequence[str], options: Options) -> Comparison:
    estimate = fought.estimate(options)
    turn_pairs = sum(map(len, fought.rounds))
    speedup = Speedup(estimate.point, estimate.low, estimate.high, estimate.level, turn_pairs, len(fought.rounds))
    pairs = [pair for done in fought.rounds for pair in done]
    sides = [
        _side(name, turns, fought.setup_s[index], fought.peak_memory_bytes[index])
        for index, (name, turns) in enumerate(
            zip(names, ([p.original for p in pairs], [p.variant for p in pairs]), strict=True)
        )
    ]
    verdict = verdict_of(estimate, options.noise)
    return Comparison(
        sides[0],
        sides[1],
        speedup,
        verdict,
        options.noise,
        options.objective,
        this_machine(floors=False),
        options.seed,
        reason=_why_undecided(estimate, options.noise) if verdict == "undecided" else "",
        log_ratios=tuple(tuple(pair.log_ratio(options.objective) for pair in done) for done in fought.rounds),
    )


def _why_undecided(estimate: Estimate, noise: float) -> str:
    edge = "above" if estimate.high > 1 + noise else "below"
    return (
        f"{estimate.n} pairs of processes leave an interval that reaches {edge} the ± {100 * noise:g} % that are "
        "called the same, and into them. A quieter machine narrows it."
    )


def _side(name: str, turns: Sequence[Turn], setup_s: float, peak: int) -> Side:
    requests, seconds = sum(turn.requests for turn in turns), sum(turn.seconds for turn in turns)
    calls = tuple(1e3 * call for turn in turns for call in turn.call_seconds)
    cpu = 1000 * sum(turn.cpu_seconds for turn in turns) / requests
    return Side(name, seconds / requests, percentiles(calls), requests / seconds, peak, cpu, setup_s)
