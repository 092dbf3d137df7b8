"""Opening processes: most of that time is imports on one core, so processes that are needed together import together.

Nothing is timed meanwhile. Warm-ups, which are, come one after another when all have imported and the others sleep.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from unslow.core.errors import WorkerFailed
from unslow.core.jsonable import to_json
from unslow.core.workload import Workload
from unslow.measure.bench import OPEN_TIMEOUT_S, WARM_UP_S, Bench, Opened, longest_wait_s, start
from unslow.measure.reopened import Reopened
from unslow.measure.turns import warm_up
from unslow.measure.whole_runs import WholeRuns
from unslow.processes.base import Process

T = TypeVar("T")


@dataclass(frozen=True)
class Opening:
    """What a fresh process is to open: the original, a variant, or a variant's `bundle` (its folder).

    `name` is that of its log. `order` are places of the stream, in the order in which they will be asked for.
    """

    name: str
    workload: Workload
    order: tuple[int, ...]
    bundle: str = ""
    original: bool = False
    timeout_s: float = OPEN_TIMEOUT_S


def original_opening(bench: Bench, order: tuple[int, ...]) -> Opening:
    """That of the original as the user has it."""
    return Opening("original", bench.original, order, original=True)


def open_side(bench: Bench, opening: Opening) -> Opened:
    """Open and warm up in a fresh process, which sleeps afterwards.

    Raises
    ------
    WorkerFailed
        The process crashed, hung or took too much memory, or the model cannot be opened.
    """
    (opened,) = open_together(bench, [opening])
    if isinstance(opened, WorkerFailed):
        raise opened
    return opened


def open_together(bench: Bench, openings: Sequence[Opening]) -> list[Opened | WorkerFailed]:
    """Open several, in fresh processes that import at the same time (one after another where there is one core).

    Each is opened, warmed up and asleep, or is the reason why it is not; then its process is gone.
    """
    if bench.machine.cores < 2 and len(openings) > 1:
        return [one for opening in openings for one in open_together(bench, [opening])]
    with ExitStack() as stack:
        begun = [_begin(bench, opening, stack) for opening in openings]
        loaded = [_or_why(one.process, one.loaded) for one in begun]
        opened = [
            details
            if isinstance(details, WorkerFailed)
            else _or_why(one.process, partial(_warmed_up, bench, one.process, details))
            for one, details in zip(begun, loaded, strict=True)
        ]
        stack.pop_all()
        return opened


def load_process(bench: Bench, opening: Opening) -> Process:
    """A fresh process that has opened the model and is awake: for answers that nobody times. Raises as `open_side`."""
    with ExitStack() as stack:
        begun = _begin(bench, opening, stack)
        begun.loaded()
        begun.process.resume()
        stack.pop_all()
        return begun.process


@dataclass(frozen=True)
class _Begun:
    """A process that has been asked to open a model; `answer` waits until it has."""

    process: Process
    answer: Callable[[], Mapping[str, Any]]

    def loaded(self) -> Mapping[str, Any]:
        """What the process says of what it has opened; it sleeps then."""
        details = self.answer()
        self.process.suspend()
        return details


def _begin(bench: Bench, opening: Opening, stack: ExitStack) -> _Begun:
    process = stack.enter_context(_process(bench, partial(start, bench, opening.name, opening.workload.host)))
    answer = process.begin(
        "open",
        longest_wait_s(bench, OPEN_TIMEOUT_S, opening.timeout_s),
        workload=to_json(opening.workload),
        facts=to_json(bench.facts),
        survey=str(bench.folder.survey),
        order=list(opening.order),
        bundle=opening.bundle,
        original=opening.original,
    )
    return _Begun(process, answer)


def _process(bench: Bench, fresh: Callable[[], Process]) -> Process:
    """A fresh process; of a script one that can be asked for more turns than the script has."""
    script = bench.facts.script
    if script is None:
        return fresh()
    return WholeRuns(fresh, script.run_s) if script.whole_runs else Reopened(fresh)


def _warmed_up(bench: Bench, process: Process, details: Mapping[str, Any]) -> Opened:
    if isinstance(process, WholeRuns):
        return Opened(process, process.side(bench.patience_s), details["setup_s"], details)
    started, guess_s = bench.clock(), bench.facts.seconds_per_request
    side = warm_up(process, details["granularity"], guess_s, WARM_UP_S, bench.clock, bench.patience_s)
    return Opened(process, side, details["setup_s"] + bench.clock() - started, details)


def _or_why(process: Process, call: Callable[[], T]) -> T | WorkerFailed:
    try:
        return call()
    except WorkerFailed as error:
        process.close()
        return error
