"""The exhaustive search: every variant of a frozen grid, measured as unslow measures, none left out.

    python -m bench.exhaustive encoder [--run unslow-runs/exhaustive-encoder] [--pairs 25]

Each variant is built, opened and warmed up in a process of its own, and run in turns against the original, by unslow's
own functions. Then the outputs are judged from the fastest down until three are kept, and those are saved as bundles.
Files are made in a cache of the run's own, so that nothing is found made that an exhaustive search would pay for.
What is in `bench/results/exhaustive-EXAMPLE.json` is not measured again.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Any

from bench._common import EXAMPLES, RUNS, machine_words, progress, save, saved
from bench._grid import read_grid
from bench._ground import bench_of, folder_of, looked_at
from unslow.core.errors import UnslowError, WorkerFailed
from unslow.core.events import silent
from unslow.core.heat import Heat
from unslow.core.jsonable import from_json, to_json
from unslow.core.options import Options
from unslow.core.trial import Guarded
from unslow.core.units import interval, ratio
from unslow.core.variant import Variant
from unslow.fixes import all_fixes
from unslow.measure.bench import Bench, build
from unslow.measure.heats import Original
from unslow.measure.opening import Opening, open_side
from unslow.measure.race import shared_alpha, speedup
from unslow.measure.turns import turn_pairs
from unslow.search.space import riskiest
from unslow.verbs._judges import bundle_of
from unslow.verify.guard import Guard

SCHEMA = "unslow.bench.exhaustive/1"
PAIRS = 25
MOST_KEPT = 3
"""The fastest of many, seen once, flatters: the best is found among the best three, re-measured (`bench.regret`)."""
SHARING = 5
"""Lossy variants that share the guard's error rate, as in a run, where two or three race and three may be rescued: to
share it among the whole grid would lose variants that a run keeps, and flatter the run's choice."""


@dataclass(frozen=True)
class Entry:
    """One variant, measured: `seconds` is everything that it took. `guarded` and `bundle` of the fastest alone."""

    heat: Heat
    seconds: float
    guarded: Guarded | None = None
    bundle: str = ""


@dataclass(frozen=True)
class Search:
    """What is known so far, and where it is kept."""

    example: str
    folder: str
    entries: dict[str, Entry]

    def keep(self, entry: Entry) -> None:
        """Add or replace an entry, and write all."""
        self.entries[entry.heat.id] = entry
        save(f"exhaustive-{self.example}", self.as_json())

    def kept(self) -> list[Entry]:
        """Those whose outputs are kept, the fastest first."""
        return by_speed(entry for entry in self.entries.values() if entry.guarded and entry.guarded.verdict == "kept")

    def as_json(self) -> dict[str, Any]:
        kept = self.kept()
        return {
            "schema": SCHEMA,
            "example": self.example,
            "run": self.folder,
            "machine": machine_words(),
            "seconds": sum(entry.seconds for entry in self.entries.values()),
            "variants": len(self.entries),
            "best": kept[0].heat.id if kept else None,
            "best_kept": [entry.heat.id for entry in kept[:MOST_KEPT]],
            "entries": [to_json(entry) for entry in self.entries.values()],
        }


def read_search(example: str) -> Search | None:
    """The search that was kept, or None."""
    data = saved(f"exhaustive-{example}")
    if not data:
        return None
    entries = [from_json(Entry, entry) for entry in data["entries"]]
    return Search(example, data["run"], {entry.heat.id: entry for entry in entries})


def by_speed(entries: Iterable[Entry]) -> list[Entry]:
    """Those that ran, the fastest first."""
    return sorted((entry for entry in entries if entry.heat.ran), key=lambda entry: -point(entry.heat))


def point(heat: Heat) -> float:
    return speedup(heat.log_ratios, 0.05).point


def main() -> None:
    arguments = _arguments()
    options = Options(seed=arguments.seed)
    before = read_search(arguments.example)
    folder = folder_of(arguments.example, arguments.run or (before.folder if before else _new(arguments.example)))
    search = Search(arguments.example, str(folder.path), before.entries if before else {})
    bench = bench_of(looked_at(arguments.example, folder, options), folder, options, folder.path / "work" / "cache")
    measure_all(bench, search, read_grid(arguments.example), arguments.pairs, options)
    judge_fastest(bench, search, options)
    _tell(search)


def _new(example: str) -> str:
    return str(RUNS / f"exhaustive-{example}")


def measure_all(bench: Bench, search: Search, grid: list[Variant], pairs: int, options: Options) -> None:
    """Every variant that is not in the search yet."""
    original = Original(bench)
    alpha = shared_alpha(options.alpha, len(grid))
    try:
        for number, variant in enumerate(grid, start=1):
            if variant.id in search.entries:
                continue
            started = bench.clock()
            heat = measured(bench, original, variant, pairs, options)
            search.keep(Entry(heat, bench.clock() - started))
            found = interval(speedup(heat.log_ratios, alpha)) if heat.ran else heat.failure or "changes nothing"
            progress(f"{number} of {len(grid)}, {bench.clock() - started:.0f} s: {variant}: {found}")
    finally:
        original.close()


def measured(bench: Bench, original: Original, variant: Variant, pairs: int, options: Options) -> Heat:
    """Build, open, warm up, then so many pairs of turns, whatever they show. What goes wrong is the heat's failure."""
    try:
        built = build(bench, variant)
        if built.workload == bench.original:
            return Heat(variant, built.workload, nothing_changed=True)
        opened = open_side(bench, Opening(variant.id, built.workload, bench.race_order))
        with opened.process:
            turns = turn_pairs(original.opened().side, opened.side, options.seed + int(variant.id, 16))
            ratios = tuple(pair.log_ratio(options.objective) for pair in islice(turns, pairs))
            peak = opened.process.peak_memory_bytes
    except UnslowError as error:
        original.close()  # It may be what failed; the next variant opens it again.
        return Heat(variant, failure=str(error).splitlines()[0])
    return Heat(variant, built.workload, ratios, built.seconds, opened.setup_s, peak, opened.side.seconds)


def judge_fastest(bench: Bench, search: Search, options: Options) -> None:
    """From the fastest down, until three are kept."""
    guard, fixes = Guard(bench, options), all_fixes()
    try:
        for entry in by_speed(search.entries.values()):
            if len(search.kept()) >= MOST_KEPT or point(entry.heat) < 1:
                return
            if entry.guarded is None:
                search.keep(_judged(bench, guard, entry, riskiest(fixes, entry.heat.variant), SHARING))
                judged = search.entries[entry.heat.id]
                verdict = f"{judged.guarded.verdict}: {judged.guarded.reason}" if judged.guarded else ""
                progress(f"{entry.heat.variant} ({ratio(point(entry.heat))}): {verdict}")
    finally:
        guard.close()


def _judged(bench: Bench, guard: Guard, entry: Entry, tag: str, lossy: int) -> Entry:
    started = time.monotonic()
    try:
        bundle = bundled(bench, entry.heat)
        guarded = guard.judge(entry.heat, tag, lossy, bundle)
    except WorkerFailed as error:
        bundle, guarded = "", Guarded("lost", f"Its bundle could not be written: {error.what}")
    return Entry(entry.heat, entry.seconds + time.monotonic() - started, guarded, bundle)


def bundled(bench: Bench, heat: Heat) -> str:
    """The folder of the variant's bundle, as `unslow fix` would save it.

    Raises
    ------
    WorkerFailed
        It cannot be written.
    """
    return str(bundle_of(bench, heat, silent))


def _tell(search: Search) -> None:
    for entry in search.kept()[:MOST_KEPT]:
        progress(f"{search.example}: kept {ratio(point(entry.heat))} {entry.heat.variant}")
    data = search.as_json()
    progress(f"{search.example}: {data['variants']} variants in {data['seconds']:.0f} s")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure every variant of an example's grid.")
    parser.add_argument("example", choices=list(EXAMPLES))
    parser.add_argument("--run", default="", help="the folder to work in; default: unslow-runs/exhaustive-EXAMPLE")
    parser.add_argument("--pairs", type=int, default=PAIRS, help="pairs of turns of each variant")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


if __name__ == "__main__":
    main()
