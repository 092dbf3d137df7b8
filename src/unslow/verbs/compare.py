"""`compare`: is B faster than A? By how much, how sure?"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unslow.core.comparison import Comparison, Side
from unslow.core.errors import WorkerFailed
from unslow.core.estimate import verdict_of
from unslow.core.events import Event, Listener, silent
from unslow.core.jsonable import to_json
from unslow.core.options import Options
from unslow.core.trial import Speedup
from unslow.core.workload import Target
from unslow.machine.facts import this_machine
from unslow.measure.bench import OPEN_TIMEOUT_S, WARM_UP_S, Opened, environment_of, memory_limit
from unslow.measure.duel import Fought, duel
from unslow.measure.turns import Turn, warm_up
from unslow.processes.base import Conditions, Processes
from unslow.processes.local import LocalProcesses
from unslow.targets import host_of
from unslow.verbs._named import named
from unslow.verbs._trials import percentiles


def compare(
    a: Any,
    b: Any,
    inputs: Any = None,
    *,
    options: Options | None = None,
    listener: Listener = silent,
    processes: Processes | None = None,
) -> Comparison:
    """Time two workloads in turns, each in processes of its own, request by request over the same places of their
    streams.

    Parameters
    ----------
    a, b
        What `unslow fix` takes: a path, `"file.py:name"`, a bundle; or a callable or model. A function without
        parameters needs no inputs.
    inputs
        The requests, where `a` and `b` are models or callables.

    Returns
    -------
    Comparison
        How many times faster `b` is, with its interval over fresh pairs of processes, and the verdict.

    Raises
    ------
    BadInput, CannotRun
        One of them cannot be run.
    """
    options, started = options or Options(), time.monotonic()
    with tempfile.TemporaryDirectory(prefix="unslow-compare-") as scratch:
        sides = [_named(what, inputs, Path(scratch) / name) for what, name in ((a, "a"), (b, "b"))]
        opens = [_Opens(side, Path(scratch), options, processes or LocalProcesses(), listener) for side in sides]
        fought = duel(opens[0], opens[1], options, listener)
    return _compared(fought, [str(side) for side in sides], options, time.monotonic() - started)


def _named(what: Any, inputs: Any, folder: Path) -> Target:
    given = inputs if not isinstance(what, (str, Path, Target)) else None
    return named(what, given, out=str(folder)).target


@dataclass(frozen=True)
class _Opens:
    """Opens one target, as often as it is called, each time in a fresh process."""

    target: Target
    scratch: Path
    options: Options
    processes: Processes
    listener: Listener

    def __call__(self) -> Opened:
        self.listener(Event("build", f"opening {self.target}"))
        environment = environment_of(host_of(self.target), self.scratch / "inductor")
        conditions = Conditions(self.scratch / "log", environment, memory_limit(self.options.memory_bytes))
        started = time.monotonic()
        process = self.processes.start(conditions)
        try:
            patience_s = self.options.patience_s
            opened = process.ask(
                "open_target", patience_s or OPEN_TIMEOUT_S, target=to_json(self.target), seed=self.options.seed
            )
            side = warm_up(process, opened["granularity"], opened["first_s"], WARM_UP_S, time.monotonic, patience_s)
        except WorkerFailed as error:
            process.close()
            raise error.of_the_target(f"Try it alone: unslow profile {self.target}") from error
        except BaseException:
            process.close()
            raise
        return Opened(process, side, time.monotonic() - started, opened)


def _compared(fought: Fought, names: Sequence[str], options: Options, elapsed_s: float) -> Comparison:
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
    return Comparison(
        sides[0],
        sides[1],
        speedup,
        verdict_of(estimate, options.noise),
        options.noise,
        options.objective,
        this_machine(floors=False),
        options.seed,
        elapsed_s,
        command=" ".join(["unslow", *sys.argv[1:]]),
        log_ratios=tuple(tuple(pair.log_ratio(options.objective) for pair in done) for done in fought.rounds),
    )


def _side(name: str, turns: Sequence[Turn], setup_s: float, peak: int) -> Side:
    requests, seconds = sum(turn.requests for turn in turns), sum(turn.seconds for turn in turns)
    calls = tuple(1e3 * call for turn in turns for call in turn.call_seconds)
    cpu = 1000 * sum(turn.cpu_seconds for turn in turns) / requests
    return Side(name, seconds / requests, percentiles(calls), requests / seconds, peak, cpu, setup_s)
