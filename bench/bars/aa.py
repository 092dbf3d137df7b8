"""A against A: two identical workloads are hardly ever called faster or slower.

    python -m bench.bars.aa [--target examples/file_type/workload.py:file_type] [--times 30]

Thirty real comparisons of a real workload with itself, each with its own seed, and 200 simulated ones from the noise
that `bench/record_noise.py` recorded.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from typing import Any

import numpy as np

from bench._common import ROOT, Bar, counted, ended, repeated, target_of, told
from bench._compared import compared
from unslow.core.estimate import verdict_of
from unslow.measure.finals import TURN_PAIRS_PER_PROCESS, finals_estimate, process_pairs_for
from unslow.measure.race import speedup

TIMES = 30
SIMULATED = 200
MOST_SIMULATED_WRONG = 2
NOISE, ALPHA, RACE_PAIRS = 0.02, 0.05, 60
WRONG = ("faster", "slower")


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare a workload with itself.")
    parser.add_argument("--target", default=target_of("file_type"))
    parser.add_argument("--times", type=int, default=TIMES)
    arguments = parser.parse_args()
    ended(simulated(), real(arguments.target, arguments.times))


def real(target: str, times: int) -> Bar:
    """How many of the real ones are called anything but `same` or `undecided`."""
    runs = repeated("aa", times, lambda number: compared(target, target, number), {"target": target})
    wrong = sum(run["verdict"] in WRONG for run in runs)
    covering = sum(run["low"] <= 1 <= run["high"] for run in runs)
    details = {"target": target.removeprefix(f"{ROOT}/"), "runs": len(runs), "intervals_that_cover_1": covering}
    what = f"A against A called faster or slower, {times} real"
    return told(counted(Bar("aa-real", what, "0", wrong, wrong == 0, details=details), times, TIMES))


def simulated() -> Bar:
    """The same for races and finals drawn from recorded noise."""
    sys.path.insert(0, str(ROOT / "tests" / "measure"))
    noise: Any = importlib.import_module("simulated")
    processes = len(noise.recorded_log_ratios())
    random = np.random.default_rng(2)
    wrong = sum(_simulated_verdict(noise, random) in WRONG for _ in range(SIMULATED))
    return told(
        Bar(
            "aa-simulated",
            f"A against A called faster or slower, {SIMULATED} simulated from {processes} recorded process pairs",
            f"≤ {MOST_SIMULATED_WRONG}",
            wrong,
            wrong <= MOST_SIMULATED_WRONG and processes >= 6,
        )
    )


def _simulated_verdict(noise: Any, random: np.random.Generator) -> str:
    race = speedup(noise.recorded_process_pairs(random, 1, RACE_PAIRS)[0], ALPHA)
    turns = noise.recorded_process_pairs(random, process_pairs_for(race), TURN_PAIRS_PER_PROCESS)
    medians = [float(np.median(pairs)) for pairs in turns]
    return verdict_of(finals_estimate(medians), NOISE)


if __name__ == "__main__":
    main()
