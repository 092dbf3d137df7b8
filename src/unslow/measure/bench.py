"""The bench on which variants are measured: what is compared with what, where files lie, how processes are opened."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from unslow.core.errors import WorkerFailed
from unslow.core.facts import Facts
from unslow.core.jsonable import from_json, to_json
from unslow.core.machine import Machine
from unslow.core.offline import OFFLINE_ENVIRONMENT
from unslow.core.variant import Variant
from unslow.core.workload import Host, Workload
from unslow.machine.limits import free_memory
from unslow.measure.energy import Meter, rapl
from unslow.measure.finals import TURN_PAIRS_PER_PROCESS
from unslow.measure.turns import TURN_STEPS, Side
from unslow.processes.base import Conditions, Process, Processes
from unslow.runs.folder import RunFolder

BUILD_TIMEOUT_S = 600.0
OPEN_TIMEOUT_S = 300.0
ANSWERS_TIMEOUT_S = 900.0
"""After how long a process is taken for hung where the user's patience (`Options.patience_s`) says nothing else."""
WARM_UP_S = 4.0
SCRIPT_ROUND_S = 20.0
LEAST_TURN_PAIRS = 5
"""What is timed in the turns of one round of a script's finals, roughly, and the least of them that have a median."""
MEMORY_SHARE = 0.8
"""Of the memory that is free when a process starts, what it may take with its tree."""


@dataclass(frozen=True)
class Bench:
    """`race_order` and `final_order` are places of the stream, in the order in which they are asked for. `turn_pairs`
    is how many pairs of turns a pair of processes takes in the finals."""

    processes: Processes
    original: Workload
    facts: Facts
    machine: Machine
    folder: RunFolder
    cache: Path
    race_order: tuple[int, ...]
    final_order: tuple[int, ...]
    memory_bytes: int
    clock: Callable[[], float] = time.monotonic
    patience_s: float | None = None
    meter: Meter = field(default_factory=rapl)
    free_bytes: Callable[[], int] = free_memory
    turn_pairs: int = TURN_PAIRS_PER_PROCESS


@dataclass(frozen=True)
class Built:
    """A variant as plain data, and what making its files took at first."""

    workload: Workload
    seconds: float


@dataclass(frozen=True)
class Opened:
    """A process that has opened a model, warmed up, and sleeps. `setup_s` is from its start to its steady speed."""

    process: Process
    side: Side
    setup_s: float
    details: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def answers(self) -> bool:
        """Whether it still lives, asked for one short turn: tells whose failure a failed pair of turns was."""
        try:
            self.side.turn(1, self.side.granularity, self.side.granularity * self.side.seconds)
        except WorkerFailed:
            return False
        return True


def orders(requests: int, seed: int, in_sequence: bool) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The stream cut in two: one half for the race, one for the finals, each with its mix of shapes.

    A stream whose requests hang together (`in_sequence`) is cut in the middle, any other by a seeded shuffle. With
    fewer than four requests both get all of them.
    """
    places = list(range(requests))
    if requests < 4:
        return tuple(places), tuple(places)
    if not in_sequence:
        random.Random(seed).shuffle(places)
    half = requests // 2
    return tuple(places[:half]), tuple(places[half:])


def turn_pairs_of(facts: Facts) -> int:
    """Pairs of turns in each round of the finals: fewer where a script's steps are long, or an epoch is a turn."""
    if facts.script is None:
        return TURN_PAIRS_PER_PROCESS
    if facts.script.whole_runs:
        return 1  # Each is a process of its own already.
    turn_s = facts.seconds_per_request * max(TURN_STEPS, facts.script.turn_steps(facts.seconds_per_request))
    return int(min(TURN_PAIRS_PER_PROCESS, max(LEAST_TURN_PAIRS, SCRIPT_ROUND_S / (2 * turn_s))))


def memory_limit(asked_bytes: int, free_bytes: Callable[[], int] = free_memory) -> int:
    """What one process may take: what was asked for, else most of what the machine and its control groups have free."""
    return asked_bytes or int(free_bytes() * MEMORY_SHARE)


def environment_of(host: Host, inductor_cache: Path, kind: str = "") -> dict[str, str]:
    """What must be set before a process imports anything: for a target of that `kind`.

    A script finds what it would find without us; a model, what the user has set, and else one thread of tokenizers
    beside it, and no hub.
    """
    usual = {} if kind == "script" else {"TOKENIZERS_PARALLELISM": "false", **OFFLINE_ENVIRONMENT}
    settings = {
        "TORCHINDUCTOR_CACHE_DIR": str(inductor_cache),
        "PYTHONUNBUFFERED": "1",
        **{name: value for name, value in usual.items() if name not in os.environ},
        **host.environment,
    }
    if host.threads:
        threads = str(host.threads)
        settings |= {"OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads}
    return settings


def start(bench: Bench, name: str, host: Host) -> Process:
    """A fresh process. Compiled kernels are kept per variant, in the run's folder: the first start finds none."""
    kind = bench.original.target.kind
    environment = environment_of(host, bench.folder.path / "work" / "inductor" / name, kind)
    # What lives by now (the original, the judge) is not free: so all of them together stay within what there is.
    memory_bytes = min(bench.memory_bytes, memory_limit(0, bench.free_bytes)) if bench.memory_bytes else 0
    return bench.processes.start(Conditions(bench.folder.log(name), environment, memory_bytes))


def longest_wait_s(bench: Bench, usual_s: float, left_s: float | None = None) -> float:
    """How long one wait on a process may be: the user's patience, else what is usual.

    `left_s` is what a caller has left, which bounds it where it is less than what is usual.
    """
    said = usual_s if bench.patience_s is None else bench.patience_s
    return said if left_s is None or left_s >= usual_s else min(said, left_s)


def build(bench: Bench, variant: Variant, timeout_s: float = BUILD_TIMEOUT_S) -> Built:
    """Apply the variant's fixes in a process that does nothing else.

    Raises
    ------
    WorkerFailed
        A fix raised, or the process crashed, hung or took too much memory.
    """
    with start(bench, variant.id, bench.original.host) as process:
        answer = process.ask(
            "build",
            longest_wait_s(bench, BUILD_TIMEOUT_S, timeout_s),
            workload=to_json(bench.original),
            fixes=to_json(variant.fixes),
            facts=to_json(bench.facts),
            machine=to_json(bench.machine),
            cache=str(bench.cache / "made"),
            survey=str(bench.folder.survey),
            places=list(bench.race_order),
        )
    return Built(from_json(Workload, answer["workload"]), float(answer["spent_seconds"]))
