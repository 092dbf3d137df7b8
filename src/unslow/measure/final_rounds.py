"""The finals: fresh processes of the original and of each finalist's bundle, on requests that the race did not use."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from unslow.core.errors import UnslowError, WorkerFailed
from unslow.core.events import Event, Listener
from unslow.core.heat import Final, Heat
from unslow.core.options import Options
from unslow.measure.bench import LEAST_TURN_PAIRS, Bench, Opened
from unslow.measure.finals import PROCESS_PAIRS_WHEN_CLEAR, finals_estimate
from unslow.measure.opening import Opening, open_together, original_opening
from unslow.measure.turns import Turn, TurnPair, timeout_of, turn_pairs

LOAD_SECONDS = 10.0
LEAST_LOAD, MOST_LOAD = 400, 5000
"""Requests under load, over all processes: below 368 the interval of p99 has no upper end."""


@dataclass(frozen=True)
class Place:
    """The number of a process pair, from 0, and how many there will be."""

    number: int
    of: int


LEAST_ROUNDS = 2
"""Fewer process medians have no interval: what the finals ended with before then is not reported."""


@dataclass(frozen=True)
class _Part:
    """What one round gave of one finalist, and of the original beside it."""

    pairs: tuple[TurnPair, ...]
    setup_s: float
    peak: int
    original_setup_s: float
    original_peak: int
    still_warming: bool = False
    original_still_warming: bool = False
    load_ms: tuple[float, ...] = ()
    original_load_ms: tuple[float, ...] = ()


@dataclass(frozen=True)
class _Round:
    """One round: the parts by finalist, the reasons of those that failed in it.

    `original_died` is the reason why it was interrupted, "" if it was not. An interrupted one has no parts: a round
    counts whole or not at all.
    """

    parts: Mapping[str, _Part]
    failures: Mapping[str, str]
    original_died: str = ""


@dataclass(frozen=True)
class FinalResult:
    """The finals by id, and the reasons of those that failed in them."""

    finals: Mapping[str, Final]
    failures: Mapping[str, str]


@dataclass(frozen=True)
class _Stage:
    """What all rounds share."""

    bench: Bench
    bundles: Mapping[str, Path]
    process_pairs: Mapping[str, int]
    options: Options
    listener: Listener


def _not_kept(final: Final) -> None:
    """For those who want the finals at the end alone."""


def hold_finals(
    bench: Bench,
    finalists: Sequence[Heat],
    bundles: Mapping[str, Path],
    process_pairs: Mapping[str, int],
    options: Options,
    listener: Listener,
    keep: Callable[[Final], None] = _not_kept,
    until: float = math.inf,
) -> FinalResult:
    """Each round starts a fresh original and fresh finalists; a finalist takes part in as many rounds as it needs.

    Whoever has had all of its rounds is handed to `keep` at once. After `PROCESS_PAIRS_WHEN_CLEAR` rounds no other is
    begun that would end after `until` (on the bench's clock), and where time is short each of these has fewer pairs of
    turns, but never less than `LEAST_TURN_PAIRS`: the interval is then as wide as that makes it. A round in which the
    original dies is held once more; if it dies again the finals end, and whoever has `LEAST_ROUNDS` by then is reported
    with what is known of it (and not kept: a run that goes on measures it anew).
    """
    stage = _Stage(bench, bundles, process_pairs, options, listener)
    known: dict[str, list[_Part]] = {finalist.id: [] for finalist in finalists}
    finals: dict[str, Final] = {}
    failures: dict[str, str] = {}
    longest_s = 0.0
    for number in range(max(process_pairs.values(), default=0)):
        running = [f for f in finalists if number < process_pairs[f.id] and f.id not in failures]
        if not running:
            break
        began = bench.clock()
        ends = began + (until - began) / max(1, PROCESS_PAIRS_WHEN_CLEAR - number)
        done = _round_or_again(stage, running, number, known, ends)
        longest_s = max(longest_s, bench.clock() - began)
        # A load is shared out among all rounds: with fewer of them its p99 would have no upper end.
        enough_rounds = number + 1 >= PROCESS_PAIRS_WHEN_CLEAR and not wants_load(options)
        time_is_over = enough_rounds and bench.clock() + longest_s > until
        failures |= done.failures
        for name, part in done.parts.items():
            known[name].append(part)
            if time_is_over or len(known[name]) == process_pairs[name]:
                finals[name] = _final(name, known[name], bundles[name], options)
                keep(finals[name])
        if done.original_died:
            enough = [f.id for f in running if f.id not in failures and len(known[f.id]) >= LEAST_ROUNDS]
            finals |= {name: _final(name, known[name], bundles[name], options) for name in enough}
            why = f"The original's process ended beside it in the finals, twice: {done.original_died}"
            failures |= {f.id: why for f in running if f.id not in {*failures, *enough}}
        if done.original_died or time_is_over:
            break
    return FinalResult(finals, failures)


def _round_or_again(
    stage: _Stage, running: Sequence[Heat], number: int, known: Mapping[str, Sequence[_Part]], ends: float
) -> _Round:
    """One round; where the original dies in it, one more with fresh processes on both sides."""
    first = _round(stage, running, number, known, ends)
    if not first.original_died:
        return first
    stage.listener(Event("note", f"The original's process ended in the finals; once more. {first.original_died}"))
    again = _round(stage, [f for f in running if f.id not in first.failures], number, known, ends)
    return replace(again, failures={**first.failures, **again.failures})


def _round(
    stage: _Stage, running: Sequence[Heat], number: int, known: Mapping[str, Sequence[_Part]], ends: float
) -> _Round:
    bench = stage.bench
    parts: dict[str, _Part] = {}
    failures: dict[str, str] = {}
    # The first finalist opens with the original; the others later, so that no more than two are in memory.
    mine, first = original_opening(bench, bench.final_order), _opening(stage, running[0])
    original, opened = open_together(bench, [mine, first])
    with ExitStack() as stack:
        for one in (original, opened):
            if not isinstance(one, WorkerFailed):
                stack.enter_context(one.process)
        if isinstance(original, WorkerFailed):
            return _Round({}, {}, original.what)
        for place, finalist in enumerate(running):
            mine_ends = bench.clock() + (ends - bench.clock()) / (len(running) - place)
            try:
                if finalist is not running[0]:
                    (opened,) = open_together(bench, [_opening(stage, finalist)])
                parts[finalist.id] = _against(stage, original, finalist, opened, number, known[finalist.id], mine_ends)
            except UnslowError as error:
                if not original.answers():
                    return _Round({}, failures, error.what)
                failures[finalist.id] = error.what
    return _Round(parts, failures)


def _opening(stage: _Stage, finalist: Heat) -> Opening:
    if finalist.workload is None:
        raise WorkerFailed("It was never built.")
    bundle = str(stage.bundles[finalist.id])
    return Opening(finalist.id, finalist.workload, stage.bench.final_order, bundle)


def _against(
    stage: _Stage,
    original: Opened,
    finalist: Heat,
    opened: Opened | WorkerFailed,
    number: int,
    known: Sequence[_Part],
    ends: float,
) -> _Part:
    if isinstance(opened, WorkerFailed):
        raise opened
    options = stage.options
    with opened.process:
        seed = options.seed * 7919 + number * 104_729 + int(finalist.id, 16) % 7919
        theirs, mine = (replace(one.side, meter=stage.bench.meter) for one in (original, opened))
        pairs = tuple(_until(ends, stage.bench, turn_pairs(theirs, mine, seed)))
        peaks = opened.process.peak_memory_bytes, original.process.peak_memory_bytes
        warming = opened.side.still_warming, original.side.still_warming
        part = _Part(pairs, opened.setup_s, peaks[0], original.setup_s, peaks[1], *warming)
        if wants_load(options):
            place = Place(number, stage.process_pairs[finalist.id])
            loads = under_load(opened, options, place), under_load(original, options, place)
            part = replace(part, load_ms=loads[0], original_load_ms=loads[1])
    medians = [float(np.median(ratios)) for ratios in _log_ratios((*known, part), options)]
    stage.listener(Event("finals", str(finalist.variant), finalist.id, finals_estimate(medians), len(medians)))
    return part


def _until(ends: float, bench: Bench, pairs: Iterator[TurnPair]) -> Iterator[TurnPair]:
    """As many as a round has, or so many as have a median and end in time."""
    began = bench.clock()
    for taken, pair in enumerate(itertools.islice(pairs, bench.turn_pairs), 1):
        yield pair
        now = bench.clock()
        if taken >= LEAST_TURN_PAIRS and now + (now - began) / taken > ends:
            return


def _log_ratios(parts: Sequence[_Part], options: Options) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(pair.log_ratio(options.objective) for pair in part.pairs) for part in parts)


def wants_load(options: Options) -> bool:
    """Whether latencies are to be taken under a load of their own, beside the turns."""
    return bool(options.rate) or options.p99_below_ms is not None


def under_load(opened: Opened, options: Options, place: Place) -> tuple[float, ...]:
    """Latencies in ms under the load that was asked for: a closed loop, or requests arriving at a rate.

    Every process pair takes its part of the requests, so that the tail is that of all of them.
    """
    at_rate = LOAD_SECONDS * options.rate if options.rate else math.inf
    count = int(min(MOST_LOAD, max(LEAST_LOAD, min(LOAD_SECONDS / opened.side.seconds, at_rate))))
    count = math.ceil(count / place.of)
    longest_s = count * max(opened.side.seconds, 1 / options.rate if options.rate else 0.0)
    # How many requests there are is not the user's doing: patience may only lengthen this wait.
    timeout_s = max(timeout_of(longest_s), options.patience_s or 0.0)
    opened.process.resume()
    try:
        seconds = opened.process.ask(
            "load", timeout_s, count=count, rate=options.rate, seed=options.seed + place.number
        )
    finally:
        opened.process.suspend()
    return tuple(1e3 * value for value in seconds)


def _final(name: str, parts: Sequence[_Part], bundle: Path, options: Options) -> Final:
    pairs = [pair for part in parts for pair in part.pairs]
    mine, theirs = [pair.variant for pair in pairs], [pair.original for pair in pairs]
    return Final(
        id=name,
        log_ratios=_log_ratios(parts, options),
        call_ms=tuple(1e3 * seconds for turn in mine for seconds in turn.call_seconds),
        original_call_ms=tuple(1e3 * seconds for turn in theirs for seconds in turn.call_seconds),
        seconds=sum(turn.seconds for turn in mine),
        cpu_seconds=sum(turn.cpu_seconds for turn in mine),
        requests=sum(turn.requests for turn in mine),
        original_seconds=sum(turn.seconds for turn in theirs),
        original_cpu_seconds=sum(turn.cpu_seconds for turn in theirs),
        original_requests=sum(turn.requests for turn in theirs),
        setup_s=float(np.median([part.setup_s for part in parts])),
        original_setup_s=float(np.median([part.original_setup_s for part in parts])),
        peak_memory_bytes=max(part.peak for part in parts),
        original_peak_memory_bytes=max(part.original_peak for part in parts),
        bundle=str(bundle),
        load_ms=tuple(part.load_ms for part in parts if part.load_ms),
        original_load_ms=tuple(part.original_load_ms for part in parts if part.original_load_ms),
        still_warming=any(part.still_warming for part in parts),
        original_still_warming=any(part.original_still_warming for part in parts),
        joules=_joules(mine),
        original_joules=_joules(theirs),
        bundle_bytes=sum(file.stat().st_size for file in bundle.rglob("*") if file.is_file()),
    )


def _joules(turns: Sequence[Turn]) -> float | None:
    """The sum over all turns; None where one of them could not be measured."""
    known = [turn.joules for turn in turns if turn.joules is not None]
    return sum(known) if len(known) == len(turns) else None
