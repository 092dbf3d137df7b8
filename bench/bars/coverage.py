"""The intervals that are reported cover the truth: 20 comparisons against one long re-measurement.

    python -m bench.bars.coverage [--times 20] [--long 6]

The 20 are those of `bench.bars.detect` for the 5 % change. The long one is several comparisons more, with other seeds:
the mean over all their process pairs.
"""

from __future__ import annotations

import argparse
import math
from typing import Any

import numpy as np

from bench._common import Bar, counted, ended, repeated, told
from bench._compared import compared, work
from bench.bars.detect import TIMES, runs_of
from unslow.measure.finals import finals_estimate

LEAST_SHARE = 0.9
SLOW = "work_105"
SEEDS_OF_THE_LONG_ONE = 1_000


def main() -> None:
    arguments = _arguments()
    runs = runs_of("detect-1.05", SLOW, arguments.times)
    long = repeated("coverage-long", arguments.long, again, {"slow": SLOW})
    bar = _bar(runs, [median for run in long for median in run["process_medians"]])
    ended(told(counted(bar, arguments.times, TIMES)))


def again(number: int) -> Any:
    """The same two workloads, with a seed that none of the runs had."""
    return compared(work(SLOW), work("work_100"), SEEDS_OF_THE_LONG_ONE + number)


def _bar(runs: list[Any], medians: list[float]) -> Bar:
    truth = finals_estimate(medians)
    covering = sum(run["low"] <= math.exp(float(np.mean(medians))) <= run["high"] for run in runs)
    details = {"truth": truth.point, "low": truth.low, "high": truth.high, "process_pairs": len(medians)}
    what = f"intervals of {len(runs)} runs that cover a long re-measurement"
    least = LEAST_SHARE * len(runs)
    return Bar("coverage", what, f"≥ {least:g}", covering, covering >= least, details=details)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="See whether reported intervals cover a long re-measurement.")
    parser.add_argument("--times", type=int, default=TIMES)
    parser.add_argument("--long", type=int, default=6)
    return parser.parse_args()


if __name__ == "__main__":
    main()
