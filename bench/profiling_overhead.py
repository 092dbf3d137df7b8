"""What watching a script's steps costs: a step with its phases against one without, in turns in one process; and
whole runs that are watched against the bare script, in turns.

    python -m bench.profiling_overhead [--runs 5] [--pairs 8]

`unslow profile` runs on examples whose steps differ in length and in what they do; in each pair of steps one, by a
coin, is looked at and the other is not. The figure is the median of the runs' `distortion`; the limit is 0.02. In the
whole runs, by `python train.py` and by `bench/_watched.py`, every second step is looked at; what a longer run takes
more than a short one is the steps' time, without what starting takes.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench._common import ROOT, Bar, ended, progress, told
from unslow.measure.finals import finals_estimate

SCRIPTS = {
    "tabular_float64": ["--epochs", "2000"],
    "well_tuned": ["--epochs", "20000"],
    "photo_training": ["--epochs", "500"],
    "remote_store": ["--epochs", "2000"],
}
WHOLE = {"tabular_float64": (20, 220), "photo_training": (2, 12), "chatty_loop": (5, 65)}
"""Epochs of a short run and of a long one."""
RUNS, PAIRS, LIMIT = 5, 8, 0.02


def main() -> None:
    parser = argparse.ArgumentParser(description="What watching a script's steps costs.")
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument("--pairs", type=int, default=PAIRS)
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
        ),
        *(told(_whole_bar(name, arguments.pairs)) for name in WHOLE),
    )


def _whole_bar(name: str, pairs: int) -> Bar:
    """The interval must not lie above the limit: whole runs are noisier than neighbouring steps."""
    logs = [math.log(_steps_s(name, True) / _steps_s(name, False)) for _ in range(pairs)]
    found = finals_estimate(logs)
    what = f"{name}: watched whole runs against the bare script"
    return Bar(
        f"profiling-overhead-{name}", what, "≤ 0.02 within the interval",
        found.point - 1, found.low - 1 <= LIMIT, "", found.low - 1, found.high - 1,
    )  # fmt: skip


def _steps_s(name: str, watched: bool) -> float:
    short, long = (_run_s(name, watched, epochs) for epochs in WHOLE[name])
    progress(f"{name}, {'watched' if watched else 'bare'}: {long - short:.2f} s")
    return long - short


def _run_s(name: str, watched: bool, epochs: int) -> float:
    script = str(ROOT / "examples" / name / "train.py")
    how = ["-m", "bench._watched"] if watched else []
    with tempfile.TemporaryDirectory() as folder:
        own = {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "src")]), "TMPDIR": folder}
        environment, work = {**os.environ, **own}, Path(folder) / "work"
        work.mkdir()
        started = time.perf_counter()
        command = [sys.executable, *how, script, "--epochs", str(epochs)]
        subprocess.run(command, check=True, capture_output=True, cwd=work, env=environment)
        return time.perf_counter() - started


def _distortion(name: str) -> float:
    script = str(ROOT / "examples" / name / "train.py")
    command = [sys.executable, "-c", "from unslow.cli.main import main; main()", "profile", script, "--json", "--"]
    done = subprocess.run([*command, *SCRIPTS[name]], check=True, capture_output=True, text=True)
    found = float(json.loads(done.stdout)["profile"]["distortion"])
    progress(f"{name}: {found:+.4f}")
    return found


if __name__ == "__main__":
    main()
