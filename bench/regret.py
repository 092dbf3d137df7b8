"""Regret: how much slower what unslow chose is than the best of the exhaustive search, re-measured in turns.

    python -m bench.regret encoder unslow-runs/encoder-20260101-120000

Both are bundles, in fresh pairs of processes. The best three of the exhaustive search whose outputs are kept are each
measured against the choice, and the largest regret counts: which of them is truly the best was seen only once.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass, replace
from pathlib import Path

from bench._common import EXAMPLES, Bar, ended, machine_words, progress, save, told
from bench._ground import bench_of, folder_of, looked_at
from bench.exhaustive import MOST_KEPT, Entry, Search, read_search
from unslow.bundle.manifest import read_manifest
from unslow.core.errors import BadInput
from unslow.core.estimate import Estimate
from unslow.core.jsonable import to_json
from unslow.core.options import Options
from unslow.core.trial import Report, Trial
from unslow.core.units import interval
from unslow.core.workload import Workload
from unslow.measure.bench import Bench, Opened
from unslow.measure.duel import duel
from unslow.measure.opening import Opening, open_side
from unslow.report.json import report_from_json

SCHEMA = "unslow.bench.regret/1"
MOST_REGRET = 1.05
MOST_TIME_SHARE = 1 / 3


@dataclass(frozen=True)
class Contender:
    """A bundle (or, without one, the original), opened on a bench as often as it is called."""

    bench: Bench
    name: str
    workload: Workload
    bundle: str

    def __call__(self) -> Opened:
        order, is_original = self.bench.final_order, not self.bundle
        return open_side(self.bench, Opening(self.name, self.workload, order, self.bundle, is_original))


@dataclass(frozen=True)
class Measured:
    """The time of the choice over the time of one of the best."""

    best: str
    described: str
    regret: Estimate


def main() -> None:
    arguments = _arguments()
    options = Options(seed=arguments.seed)
    search, report = _search(arguments.example), _report(arguments.run)
    chosen = _chosen(arguments.example, arguments.run, report, options)
    against = [_against(chosen, entry, search, report, options) for entry in search.kept()[:MOST_KEPT]]
    # Where nothing that is right is faster, the original is the best there is.
    against = against or [_against_original(chosen, report, options)]
    worst = max(against, key=lambda measured: measured.regret.point)
    seconds = float(search.as_json()["seconds"])
    save(
        f"regret-{arguments.example}",
        {
            "schema": SCHEMA,
            "example": arguments.example,
            "run": arguments.run,
            "machine": machine_words(),
            "chosen": str(report.winning or "original"),
            "against": to_json(against),
            "answer_s": report.elapsed_s,
            "exhaustive_s": seconds,
        },
    )
    ended(*_bars(arguments.example, worst, report.elapsed_s, seconds))


def _bars(example: str, worst: Measured, answer_s: float, exhaustive_s: float) -> tuple[Bar, Bar]:
    regret, share = worst.regret, answer_s / exhaustive_s
    about = {"best": worst.described}
    times = {"answer_s": answer_s, "exhaustive_s": exhaustive_s}
    return (
        told(
            Bar(
                f"regret-{example}",
                f"chosen ÷ best of the exhaustive search, {example}",
                f"≤ {MOST_REGRET}",
                regret.point,
                regret.point <= MOST_REGRET,
                "×",
                regret.low,
                regret.high,
                about,
            )
        ),
        told(
            Bar(
                f"time-{example}",
                f"time to the answer ÷ time of the exhaustive search, {example}",
                "≤ 1/3",
                share,
                share <= MOST_TIME_SHARE,
                details=times,
            )
        ),
    )


def _search(example: str) -> Search:
    search = read_search(example)
    if search is None:
        raise BadInput(f"There is no exhaustive search of {example}.", f"Run: python -m bench.exhaustive {example}")
    return search


def _report(run: str) -> Report:
    path = Path(run) / "report.json"
    if not path.is_file():
        raise BadInput(f"There is no {path}.", "Name the folder of a run of `unslow fix` that has ended.")
    return report_from_json(json.loads(path.read_text()))


def _chosen(example: str, run: str, report: Report, options: Options) -> Contender:
    folder = folder_of(example, run)
    bench = bench_of(looked_at(example, folder, options), folder, options)
    bundle = str(folder.bundle) if report.winner else ""
    return Contender(bench, "chosen", _host_of(bench, bundle), bundle)


def _against(chosen: Contender, entry: Entry, search: Search, report: Report, options: Options) -> Measured:
    if report.winner == entry.heat.id:
        return Measured(entry.heat.id, str(entry.heat.variant), Estimate(1.0, 1.0, 1.0, 0.95, 0))
    folder = folder_of(search.example, search.folder)
    bench = bench_of(looked_at(search.example, folder, options), folder, options)
    best = Contender(bench, entry.heat.id, _host_of(bench, entry.bundle), entry.bundle)
    regret = duel(chosen, best, options, lambda event: None).estimate(options)
    progress(f"{_named(report.winning)} ÷ {entry.heat.variant}: {interval(regret)}")
    return Measured(entry.heat.id, str(entry.heat.variant), regret)


def _against_original(chosen: Contender, report: Report, options: Options) -> Measured:
    if not report.winner:
        return Measured("", "original", Estimate(1.0, 1.0, 1.0, 0.95, 0))
    original = replace(chosen, name="original", workload=chosen.bench.original, bundle="")
    regret = duel(chosen, original, options, lambda event: None).estimate(options)
    return Measured("", "original", regret)


def _named(trial: Trial | None) -> str:
    return str(trial or "original")


def _host_of(bench: Bench, bundle: str) -> Workload:
    """The original's workload on the host settings of the bundle, which a process must have before it starts."""
    return replace(bench.original, host=read_manifest(Path(bundle)).host) if bundle else bench.original


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure unslow's choice against the best of the exhaustive search.")
    parser.add_argument("example", choices=list(EXAMPLES))
    parser.add_argument("run", help="the folder of a finished run of `unslow fix`")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


if __name__ == "__main__":
    main()
