"""The original's own figures where there were no finals: from turns by itself, in a fresh process."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from unslow.core.errors import WorkerFailed
from unslow.core.events import Event, Listener
from unslow.core.heat import Alone
from unslow.core.options import Options
from unslow.measure.bench import Bench, Opened
from unslow.measure.final_rounds import Place, under_load, wants_load
from unslow.measure.finals import TURN_PAIRS_PER_PROCESS
from unslow.measure.opening import open_side, original_opening
from unslow.measure.turns import Turn, turn_length
from unslow.runs.journal import Journal
from unslow.verbs._trials import Results

ALONE_S = 4.0
LEAST_TURNS = 2


def with_original(results: Results, bench: Bench, options: Options, journal: Journal, listener: Listener) -> Results:
    """The results with the original's figures; measured now, where no finals gave them. It may fail without harm."""
    if results.finals:
        return results
    known = journal.get("alone", "original", Alone)
    if known is None:
        listener(Event("finals", "measuring the original by itself", "original"))
        try:
            known = _measured(bench, options)
        except WorkerFailed:
            return results
        journal.add("alone", "original", known)
    return replace(results, alone=known)


def _measured(bench: Bench, options: Options) -> Alone:
    opened = open_side(bench, original_opening(bench, bench.final_order))
    with opened.process:
        turns = list(_turns(opened, bench))
        load = (under_load(opened, options, Place(0, 1)),) if wants_load(options) else ()
        return Alone(
            call_ms=tuple(1e3 * seconds for turn in turns for seconds in turn.call_seconds),
            seconds=sum(turn.seconds for turn in turns),
            cpu_seconds=sum(turn.cpu_seconds for turn in turns),
            requests=sum(turn.requests for turn in turns),
            setup_s=opened.setup_s,
            peak_memory_bytes=opened.process.peak_memory_bytes,
            load_ms=load,
        )


def _turns(opened: Opened, bench: Bench) -> Iterator[Turn]:
    """As many turns as one process of the finals has, fewer where they take long."""
    length, started = turn_length(opened.side, opened.side), bench.clock()
    for number in range(TURN_PAIRS_PER_PROCESS):
        if number >= LEAST_TURNS and bench.clock() - started > ALONE_S:
            return
        yield opened.side.turn(1 + number * length, length, length * opened.side.seconds)
