"""A 5 % change and a 1.5× change are found, with how many seconds of turns (building and warming up excluded).

    python -m bench.bars.detect [--times 20]

The workload multiplies matrices 100 times a request; the slower ones do it 105 and 150 times.
"""

from __future__ import annotations

import argparse
from typing import Any

from bench._common import Bar, counted, ended, repeated, told
from bench._compared import compared, work

LEAST_FOUND = 0.95
TIMES = 20


def main() -> None:
    parser = argparse.ArgumentParser(description="Find planted changes.")
    parser.add_argument("--times", type=int, default=TIMES)
    times = parser.parse_args().times
    ended(found("detect-1.5", "work_150", 1.5, 10.0, times), found("detect-1.05", "work_105", 1.05, 90.0, times))


def found(name: str, slow: str, change: float, most_s: float, times: int) -> Bar:
    """How many of the runs call the faster one faster, within the seconds allowed."""
    runs = runs_of(name, slow, times)
    hits = sum(run["verdict"] == "faster" and run["turn_s"] <= most_s for run in runs)
    return told(
        counted(
            Bar(
                name,
                f"a {change:g}× change found within {most_s:g} s of turns, of {times}",
                f"≥ {LEAST_FOUND * times:g}",
                hits,
                hits >= LEAST_FOUND * times,
                details={"called_faster": sum(run["verdict"] == "faster" for run in runs), **_spread(runs)},
            ),
            times,
            TIMES,
        )
    )


def runs_of(name: str, slow: str, times: int) -> list[Any]:
    """Comparisons of the slower workload with the plain one, each with a seed of its own."""
    return repeated(name, times, lambda number: compared(work(slow), work("work_100"), number), {"slow": slow})


def _spread(runs: list[Any]) -> dict[str, float]:
    seconds, points = sorted(run["turn_s"] for run in runs), sorted(run["point"] for run in runs)
    return {
        "turn_s_median": seconds[len(seconds) // 2],
        "turn_s_most": seconds[-1],
        "point_least": points[0],
        "point_most": points[-1],
    }


if __name__ == "__main__":
    main()
