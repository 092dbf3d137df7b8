"""What watching a script's steps costs: a step with its phases against one without, in turns in one process.

    python -m bench.profiling_overhead [--runs 5]

`unslow profile` runs on examples whose steps differ in length and in what they do; in each pair of steps one, by a
coin, is looked at and the other is not. The figure is the median of the runs' `distortion`; the limit is 0.02.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys

from bench._common import ROOT, Bar, ended, progress, told

SCRIPTS = {
    "tabular_float64": ["--epochs", "2000"],
    "well_tuned": ["--epochs", "20000"],
    "photo_training": ["--epochs", "500"],
    "remote_store": ["--epochs", "2000"],
}
RUNS, LIMIT = 5, 0.02


def main() -> None:
    parser = argparse.ArgumentParser(description="What watching a script's steps costs.")
    parser.add_argument("--runs", type=int, default=RUNS)
    arguments = parser.parse_args()
    seen = {name: [_distortion(name) for _ in range(arguments.runs)] for name in SCRIPTS}
    medians = {name: statistics.median(found) for name, found in seen.items()}
    worst = max(medians.values())
    details = {"medians": medians, "runs": seen}
    ended(
        told(
            Bar(
                "profiling-overhead",
                "cost of watching a step, worst of the examples",
                "≤ 0.02",
                worst,
                worst <= LIMIT,
                details=details,
            )
        )
    )


def _distortion(name: str) -> float:
    script = str(ROOT / "examples" / name / "train.py")
    command = [sys.executable, "-c", "from unslow.cli.main import main; main()", "profile", script, "--json", "--"]
    done = subprocess.run([*command, *SCRIPTS[name]], check=True, capture_output=True, text=True)
    found = float(json.loads(done.stdout)["profile"]["distortion"])
    progress(f"{name}: {found:+.4f}")
    return found


if __name__ == "__main__":
    main()
