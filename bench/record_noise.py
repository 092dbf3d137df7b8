"""Records the noise of an A-against-A race, for the simulations in `tests/measure`.

Two identical workers, each in its own process group, multiply matrices in turns: one is stopped (SIGSTOP to its
group) while the other runs. A turn is at least 3 steps and at least 40 ms, after one step that is not counted; the
order within a pair of turns is drawn by a seeded coin. Every process pair is fresh, so that what a process keeps for
its whole life (its layout in memory, say) is in the record too. Raw seconds a step are kept; log-ratios are derived
where they are used.

    python bench/record_noise.py tests/measure/recorded_noise.json
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

STEPS_PER_TURN = 3
SECONDS_PER_TURN = 0.04
WARM_UP_TURNS = 12
PR_SET_PDEATHSIG = 1  # <linux/prctl.h>; SIGKILL also ends a stopped process


@dataclass(frozen=True)
class PairRecord:
    """One pair of processes: seconds a step of each turn, and who went first in each pair of turns."""

    a: list[float]
    b: list[float]
    order: list[str]


def main() -> None:
    arguments = _arguments()
    if arguments.worker:
        work(arguments.size)
        return
    coin = random.Random(arguments.seed)
    pairs = [record_pair(arguments.turn_pairs, arguments.size, coin) for _ in range(arguments.process_pairs)]
    record = {
        "schema": "unslow.noise/1",
        "step": f"float32 matrix product, {arguments.size} x {arguments.size}, one thread",
        "seed": arguments.seed,
        "cores": os.cpu_count(),
        "numpy": np.__version__,
        "process_pairs": [asdict(pair) for pair in pairs],
    }
    Path(arguments.output).write_text(json.dumps(record) + "\n")


def record_pair(turn_pairs: int, size: int, coin: random.Random) -> PairRecord:
    """The turns of one fresh pair of identical processes."""
    record = PairRecord([], [], [])
    with ExitStack() as stack:
        workers = {name: stack.enter_context(_stopped_worker(size)) for name in "ab"}
        for _ in range(WARM_UP_TURNS):
            for worker in workers.values():
                take_turn(worker)
        for _ in range(turn_pairs):
            order = coin.choice(("ab", "ba"))
            seconds = {name: take_turn(workers[name]) for name in order}
            record.a.append(seconds["a"])
            record.b.append(seconds["b"])
            record.order.append(order)
    return record


def take_turn(worker: subprocess.Popen[str]) -> float:
    """Lets a stopped worker run one turn, and stops it again; seconds a step."""
    assert worker.stdin is not None
    assert worker.stdout is not None
    os.killpg(worker.pid, signal.SIGCONT)
    worker.stdin.write("turn\n")
    worker.stdin.flush()
    answer = worker.stdout.readline()
    os.killpg(worker.pid, signal.SIGSTOP)
    return round(float(answer), 9)


@contextmanager
def _stopped_worker(size: int) -> Generator[subprocess.Popen[str]]:
    """A worker in a process group of its own, built and stopped at a step boundary; killed at the end."""
    command = [sys.executable, __file__, "--worker", "--size", str(size)]
    one_thread = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    worker = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        process_group=0,
        env={**os.environ, **one_thread},
    )
    try:
        assert worker.stdout is not None
        worker.stdout.readline()
        os.killpg(worker.pid, signal.SIGSTOP)
        yield worker
    finally:
        os.killpg(worker.pid, signal.SIGKILL)
        worker.communicate()


def work(size: int) -> None:
    """The worker: says that it is built, then runs one turn for every line that it reads."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    random_numbers = np.random.default_rng(0)
    left = random_numbers.random((size, size), dtype=np.float32)
    right = random_numbers.random((size, size), dtype=np.float32)
    _say("built")
    for _ in sys.stdin:
        _ = left @ right  # the first step after a resume is not counted
        steps, start, elapsed = 0, time.perf_counter(), 0.0
        while steps < STEPS_PER_TURN or elapsed < SECONDS_PER_TURN:
            _ = left @ right
            steps += 1
            elapsed = time.perf_counter() - start
        _say(repr(elapsed / steps))


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Record the noise of an A-against-A race.")
    parser.add_argument("output", nargs="?", default="recorded_noise.json")
    parser.add_argument("--process-pairs", type=int, default=10)
    parser.add_argument("--turn-pairs", type=int, default=100)
    parser.add_argument("--size", type=int, default=540, help="540: about 5 ms a step")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
