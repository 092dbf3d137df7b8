"""The intervals that are reported cover the truth: 20 comparisons against one long re-measurement.

    python -m bench.bars.coverage [--a TARGET --b TARGET] [--times 20] [--long 6]

The long one is several comparisons more, with other seeds: the mean over all their process pairs.
"""

from __future__ import annotations

import argparse
import math
from typing import Any

import numpy as np

from bench._common import Bar, ended, repeated, told
from bench._compared import compared, work
from unslow.measure.finals import finals_estimate

LEAST_SHARE = 0.9
SEEDS_OF_THE_LONG_ONE = 1_000


def main() -> None:
    arguments = _arguments()
    a, b, about = arguments.a, arguments.b, {"a": arguments.a, "b": arguments.b}
    long = repeated("coverage-long", arguments.long, lambda k: compared(a, b, SEEDS_OF_THE_LONG_ONE + k), about)
    runs = repeated("coverage", arguments.times, lambda number: compared(a, b, number), about)
    ended(told(_bar(runs, [median for run in long for median in run["process_medians"]])))


def _bar(runs: list[Any], medians: list[float]) -> Bar:
    truth = finals_estimate(medians)
    covering = sum(run["low"] <= math.exp(float(np.mean(medians))) <= run["high"] for run in runs)
    details = {"truth": truth.point, "low": truth.low, "high": truth.high, "process_pairs": len(medians)}
    what = f"intervals of {len(runs)} runs that cover a long re-measurement"
    least = LEAST_SHARE * len(runs)
    return Bar("coverage", what, f"≥ {least:g}", covering, covering >= least, details=details)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="See whether reported intervals cover a long re-measurement.")
    parser.add_argument("--a", default=work("work_110"))
    parser.add_argument("--b", default=work("work_100"))
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--long", type=int, default=6)
    return parser.parse_args()


if __name__ == "__main__":
    main()
