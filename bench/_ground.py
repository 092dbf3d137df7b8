"""An example, looked at: what watching it once has taught, and the bench for its variants."""

from __future__ import annotations

from pathlib import Path

from bench._common import target_of, telling
from unslow.core.options import Options
from unslow.measure.bench import Bench, memory_limit, orders
from unslow.processes.local import LocalProcesses
from unslow.runs.folder import RunFolder, user_cache
from unslow.runs.journal import Journal
from unslow.verbs._look import Look, look
from unslow.verbs._named import named, resumed


def folder_of(example: str, path: str) -> RunFolder:
    """The folder of a run of this example; a new one is made where `path` is none yet."""
    if (Path(path) / "work" / "target.json").is_file():
        return resumed(path).folder
    return named(target_of(example), out=path).folder


def looked_at(example: str, folder: RunFolder, options: Options) -> Look:
    """The survey and the findings; not made again where the folder's journal has them."""
    target = resumed(str(folder.path)).target
    return look(target, folder, Journal(folder.journal), options, LocalProcesses(), telling)


def bench_of(seen: Look, folder: RunFolder, options: Options, cache: Path | None = None) -> Bench:
    """As `unslow fix` sets it up; with a `cache` of its own, so that nothing is found made that must be paid for."""
    facts = seen.surveyed.facts
    race_order, final_order = orders(facts.requests, options.seed, facts.carried)
    return Bench(
        LocalProcesses(),
        seen.surveyed.workload,
        facts,
        seen.machine,
        folder,
        cache or user_cache(),
        race_order,
        final_order,
        memory_limit(options.memory_bytes),
    )
