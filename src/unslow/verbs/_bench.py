"""The bench of a workload that has been surveyed: where its turns are taken."""

from __future__ import annotations

from unslow.core.machine import Machine
from unslow.core.options import Options
from unslow.measure.bench import Bench, memory_limit, orders, turn_pairs_of
from unslow.processes.base import Processes
from unslow.runs.folder import RunFolder, user_cache
from unslow.verbs._look import Surveyed


def bench_of(surveyed: Surveyed, machine: Machine, folder: RunFolder, options: Options, processes: Processes) -> Bench:
    """With the stream cut in two: one half for the race, one for the finals."""
    facts = surveyed.facts
    race_order, final_order = orders(facts.requests, options.seed, facts.carried)
    return Bench(
        processes,
        surveyed.workload,
        facts,
        machine,
        folder,
        user_cache(),
        race_order,
        final_order,
        memory_limit(options.memory_bytes),
        patience_s=options.patience_s,
        turn_pairs=turn_pairs_of(facts),
    )
