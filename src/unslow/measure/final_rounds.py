"""The finals: fresh processes of the original and of each finalist's bundle, on requests that the race did not use."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from unslow.core.errors import UnslowError, WorkerFailed
from unslow.core.events import Event, Listener
from unslow.core.heat import Final, Heat
from unslow.core.options import Options
from unslow.measure.bench import Bench, Opened, open_side
from unslow.measure.finals import TURN_PAIRS_PER_PROCESS, finals_estimate
from unslow.measure.turns import TurnPair, timeout_of, turn_pairs

LOAD_SECONDS = 10.0
LEAST_LOAD, MOST_LOAD = 400, 5000
"""Requests under load: below 368 the interval of p99 has no upper end."""


@dataclass
class _Tally:
    """What one finalist's rounds gave so far."""

    ratios: list[tuple[float, ...]] = field(default_factory=list[tuple[float, ...]])
    pairs: list[TurnPair] = field(default_factory=list[TurnPair])
    setup_s: list[float] = field(default_factory=list[float])
    peak: int = 0
    original_peak: int = 0
    original_setup_s: list[float] = field(default_factory=list[float])
    failure: str = ""
    load_ms: tuple[float, ...] = ()
    original_load_ms: tuple[float, ...] = ()


@dataclass(frozen=True)
class FinalResult:
    """The finals by id, and the reasons of those that failed in them."""

    finals: Mapping[str, Final]
    failures: Mapping[str, str]


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
) -> FinalResult:
    """Each round starts a fresh original and fresh finalists; a finalist takes part in as many rounds as it needs.

    Whoever has had all of its rounds is handed to `keep` at once.
    """
    tallies = {finalist.id: _Tally() for finalist in finalists}
    finals: dict[str, Final] = {}
    for round_number in range(max(process_pairs.values(), default=0)):
        running = [f for f in finalists if round_number < process_pairs[f.id] and not tallies[f.id].failure]
        if running:
            _round(bench, running, bundles, round_number, tallies, options, listener)
        for name in [f.id for f in running if process_pairs[f.id] == round_number + 1 and not tallies[f.id].failure]:
            finals[name] = _final(name, tallies[name], bundles[name])
            keep(finals[name])
    return FinalResult(finals, {name: tally.failure for name, tally in tallies.items() if tally.failure})


def _round(
    bench: Bench,
    running: Sequence[Heat],
    bundles: Mapping[str, Path],
    number: int,
    tallies: dict[str, _Tally],
    options: Options,
    listener: Listener,
) -> None:
    with ExitStack() as stack:
        original = open_side(bench, "original", bench.original, bench.final_order, original=True)
        stack.enter_context(original.process)
        for finalist in running:
            tally = tallies[finalist.id]
            try:
                _against(bench, original, finalist, bundles[finalist.id], number, tally, options, listener)
            except UnslowError as error:
                if not original.answers():
                    raise
                tally.failure = error.what
            tally.original_setup_s.append(original.setup_s)
            tally.original_peak = max(tally.original_peak, original.process.peak_memory_bytes)


def _against(
    bench: Bench,
    original: Opened,
    finalist: Heat,
    bundle: Path,
    number: int,
    tally: _Tally,
    options: Options,
    listener: Listener,
) -> None:
    if finalist.workload is None:
        raise WorkerFailed("It was never built.")
    opened = open_side(bench, finalist.id, finalist.workload, bench.final_order, bundle=str(bundle))
    with opened.process:
        seed = options.seed * 7919 + number * 104_729 + int(finalist.id, 16) % 7919
        pairs = list(itertools.islice(turn_pairs(original.side, opened.side, seed), TURN_PAIRS_PER_PROCESS))
        tally.pairs += pairs
        tally.ratios.append(tuple(pair.log_ratio(options.objective) for pair in pairs))
        tally.setup_s.append(opened.setup_s)
        tally.peak = max(tally.peak, opened.process.peak_memory_bytes)
        if not tally.load_ms and (options.rate or options.p99_below_ms is not None):
            tally.load_ms = _under_load(opened, options)
            tally.original_load_ms = _under_load(original, options)
    medians = [float(np.median(ratios)) for ratios in tally.ratios]
    listener(Event("finals", str(finalist.variant), finalist.id, finals_estimate(medians), len(tally.ratios)))


def _under_load(opened: Opened, options: Options) -> tuple[float, ...]:
    """Latencies in ms under the load that was asked for: a closed loop, or requests arriving at a rate."""
    at_rate = LOAD_SECONDS * options.rate if options.rate else math.inf
    count = int(min(MOST_LOAD, max(LEAST_LOAD, min(LOAD_SECONDS / opened.side.seconds, at_rate))))
    longest_s = count * max(opened.side.seconds, 1 / options.rate if options.rate else 0.0)
    opened.process.resume()
    try:
        seconds = opened.process.ask("load", timeout_of(longest_s), count=count, rate=options.rate, seed=options.seed)
    finally:
        opened.process.suspend()
    return tuple(1e3 * value for value in seconds)


def _final(name: str, tally: _Tally, bundle: Path) -> Final:
    mine, theirs = [pair.variant for pair in tally.pairs], [pair.original for pair in tally.pairs]
    return Final(
        id=name,
        log_ratios=tuple(tally.ratios),
        call_ms=tuple(1e3 * seconds for turn in mine for seconds in turn.call_seconds),
        original_call_ms=tuple(1e3 * seconds for turn in theirs for seconds in turn.call_seconds),
        seconds=sum(turn.seconds for turn in mine),
        cpu_seconds=sum(turn.cpu_seconds for turn in mine),
        requests=sum(turn.requests for turn in mine),
        original_seconds=sum(turn.seconds for turn in theirs),
        original_cpu_seconds=sum(turn.cpu_seconds for turn in theirs),
        original_requests=sum(turn.requests for turn in theirs),
        setup_s=float(np.median(tally.setup_s)),
        original_setup_s=float(np.median(tally.original_setup_s)),
        peak_memory_bytes=tally.peak,
        original_peak_memory_bytes=tally.original_peak,
        bundle=str(bundle),
        load_ms=tally.load_ms,
        original_load_ms=tally.original_load_ms,
        bundle_bytes=sum(file.stat().st_size for file in bundle.rglob("*") if file.is_file()),
    )
