"""What watching a script's steps costs, in turns against the bare script.

    python -m bench.profiling_overhead [--processes 4] [--turns 60] [--only EXAMPLE]

In each of some fresh processes an example takes turns with itself: watched as a survey watches it, and with every
function that watching has replaced put back (`bench/_watched.py`). The figure is the mean over the processes of the
median of their turns' ratios, less 1, with the interval of the processes; the limit is 0.02. (Two processes, one
watched and one bare, differ by 3 % and more for reasons of their own.)

A survey sees its own cost by neighbouring steps, of which one, by a coin, is looked at (`distortion`). That leaves out
what its hooks cost while nobody looks; the details of each example have it for comparison.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import random
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from multiprocessing.connection import Connection, Listener
from pathlib import Path

from bench._common import ROOT, Bar, ended, progress, told
from unslow.measure.finals import finals_estimate

EXAMPLES = ("tabular_float64", "well_tuned", "photo_training", "chatty_loop", "remote_store")
ENDLESS = ("--epochs", "200000")
PROCESSES, TURNS, LIMIT = 4, 60, 0.02
TURN_S, LEAST_STEPS = 0.25, 4
WARM_STEPS, UNTIMED_STEPS = 20, 2
EPOCH_STEPS = {"photo_training": 8}
"""Where the items take differently long, a turn is an epoch, and begins with one."""
SEEN_RUNS = 3


def main() -> None:
    parser = argparse.ArgumentParser(description="What watching a script's steps costs.")
    parser.add_argument("--processes", type=int, default=PROCESSES)
    parser.add_argument("--turns", type=int, default=TURNS)
    parser.add_argument("--only", choices=EXAMPLES, action="append")
    arguments = parser.parse_args()
    names = arguments.only or EXAMPLES
    ended(*(told(_bar(name, arguments.processes, arguments.turns)) for name in names))


def _bar(name: str, processes: int, turns: int) -> Bar:
    logs = [_process(name, turns, seed) for seed in range(processes)]
    found = finals_estimate(logs)
    return Bar(
        f"profiling-overhead-{name}", f"{name}: watched against the bare script, in turns", "≤ 0.02",
        found.point - 1, found.point - 1 <= LIMIT, "", found.low - 1, found.high - 1,
        details={"logs": logs, "seen_by_the_survey": [_distortion(name) for _ in range(SEEN_RUNS)]},
    )  # fmt: skip


def _process(name: str, turns: int, seed: int) -> float:
    """ln(watched ÷ bare) in one process."""
    coin, logs = random.Random(seed), list[float]()
    with _opened(name) as line:
        epoch = EPOCH_STEPS.get(name, 0)
        untimed, warm = epoch or UNTIMED_STEPS, epoch or WARM_STEPS
        step_s = _turn(line, False, untimed, warm) / warm
        _turn(line, True, untimed, warm)
        count = epoch or max(LEAST_STEPS, round(TURN_S / step_s))
        for _ in range(turns):
            order = (True, False) if coin.random() < 0.5 else (False, True)
            seconds = {watch: _turn(line, watch, untimed, count) for watch in order}
            logs.append(math.log(seconds[True] / seconds[False]))
    median = statistics.median(logs)
    progress(f"{name}: {math.expm1(median):+.4f} ({turns} turns of {count} steps of {step_s * 1e3:.2f} ms)")
    return median


def _turn(line: Connection, watch: bool, untimed: int, steps: int) -> float:
    line.send((watch, untimed, steps))
    return float(line.recv())


@contextmanager
def _opened(name: str) -> Generator[Connection]:
    script = str(ROOT / "examples" / name / "train.py")
    with tempfile.TemporaryDirectory() as folder, Listener(f"{folder}/line", "AF_UNIX") as listener:
        work = Path(folder) / "work"
        work.mkdir()
        own = {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "src")]), "TMPDIR": str(work)}
        command = [sys.executable, "-m", "bench._watched", str(listener.address), script, *ENDLESS]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, cwd=work, env={**os.environ, **own})
        try:
            with listener.accept() as line:
                yield line
        finally:
            process.kill()
            process.wait()


def _distortion(name: str) -> float | None:
    """None where steps differ too much by themselves."""
    script = str(ROOT / "examples" / name / "train.py")
    command = [sys.executable, "-c", "from unslow.cli.main import main; main()", "profile", script, "--json", "--"]
    done = subprocess.run([*command, *ENDLESS], check=True, capture_output=True, text=True)
    found = json.loads(done.stdout)["profile"]["distortion"]
    progress(f"{name}: the survey sees {'nothing' if found is None else f'{found:+.4f}'}")
    return None if found is None else float(found)


if __name__ == "__main__":
    main()
