"""Watching a workload run: times without recording, files opened, threads alive, padding, whether requests can be
joined."""

from __future__ import annotations

import importlib
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from unslow.core.calls import Array, dtype_name, leaves_of, to_numpy
from unslow.core.facts import FileRead, Leaf, ThreadPool
from unslow.core.runtime import Call
from unslow.measure.warmup import warmed_up
from unslow.runtimes import loads_watched
from unslow.survey.neighbours import Neighbours

MASK_WORDS = ("mask",)
SAME_ANSWER = 1e-3
"""Relative difference up to which a joined request counts as answered the same; joining reorders sums."""


@dataclass(frozen=True)
class Timing:
    """Seconds of each request without any recording, the CPU seconds of all, how many warmed up before
    them, and the cores that other programs kept busy."""

    seconds: tuple[float, ...]
    cpu_seconds: float
    warm_up_requests: int = 0
    cores_taken: float = 0.0

    @property
    def median(self) -> float:
        return float(np.median(self.seconds))

    @property
    def spread(self) -> float:
        return float(np.quantile(self.seconds, 0.9) / max(self.median, 1e-12))


def time_requests(answer: Callable[[int], Any], requests: int, budget_s: float) -> Timing:
    """Warm up until there is no trend, then time requests in order for `budget_s`, at least three."""
    place = warm_up = _warm_up(answer, budget_s)
    seconds: list[float] = []
    cpu, started, neighbours = time.process_time(), time.perf_counter(), Neighbours()
    while time.perf_counter() - started < budget_s or len(seconds) < min(3, requests):
        before = time.perf_counter()
        answer(place % requests)
        seconds.append(time.perf_counter() - before)
        place += 1
    return Timing(tuple(seconds), time.process_time() - cpu, warm_up, neighbours.cores())


def _warm_up(answer: Callable[[int], Any], budget_s: float) -> int:
    place, started = 0, time.perf_counter()
    turns: list[float] = []
    while not warmed_up(turns) and (time.perf_counter() - started < 2 * budget_s or not turns):
        before, first = time.perf_counter(), place
        while place - first < 3 or time.perf_counter() - before < 0.04:
            answer(place)
            place += 1
            if time.perf_counter() - started > 2 * budget_s:
                break
        turns.append((time.perf_counter() - before) / (place - first))
    return place


@contextmanager
def files_opened() -> Generator[Counter[str]]:
    """Counts the files that this process opens for reading while it lasts, and those that loaders of models do.

    An audit hook cannot be taken back: it is left behind, doing nothing.
    """
    opened: Counter[str] = Counter()
    active = [True]

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if active[0] and event == "open" and isinstance(arguments[0], str) and not arguments[2] & os.O_WRONLY:
            opened[arguments[0]] += 1

    sys.addaudithook(hook)
    try:
        with loads_watched(opened):
            yield opened
    finally:
        active[0] = False


def files_read(opened: Mapping[str, int], requests: int) -> tuple[FileRead, ...]:
    """The files that were opened, largest first, no more than ten."""
    found: list[FileRead] = []
    for name, times in opened.items():
        path = Path(name)
        if path.is_file() and not name.startswith(("/proc", "/sys", "/dev")):
            found.append(FileRead(name, path.stat().st_size, times / requests))
    return tuple(sorted(found, key=lambda read: -read.size_bytes)[:10])


def thread_pools() -> tuple[ThreadPool, ...]:
    """The pools of threads of the numerical libraries that are loaded in this process."""
    controller: Any = importlib.import_module("threadpoolctl")
    pools = [ThreadPool(str(pool["internal_api"]), int(pool["num_threads"])) for pool in controller.threadpool_info()]
    torch: Any = sys.modules.get("torch")
    if torch is not None:
        pools.append(ThreadPool("torch", int(torch.get_num_threads())))
    return tuple(dict.fromkeys(pools))


def leaves(named: Sequence[Mapping[str, Any]]) -> tuple[Leaf, ...]:
    """One `Leaf` for each name, over all the requests."""
    shapes: dict[str, Counter[tuple[int, ...]]] = {}
    dtypes: dict[str, str] = {}
    for request in named:
        for name, value in request.items():
            shapes.setdefault(name, Counter())[tuple(int(size) for size in value.shape)] += 1
            dtypes.setdefault(name, dtype_name(value))
    return tuple(Leaf(name, dtypes[name], tuple(counts.most_common())) for name, counts in shapes.items())


def padding(named: Sequence[Mapping[str, Any]]) -> tuple[str, float]:
    """The mask among the inputs (two axes, only 0 and 1, named so), and the part of the tokens that it switches off."""
    for name in named[0] if named else ():
        if not any(word in name for word in MASK_WORDS):
            continue
        masks = [to_numpy(request[name]) for request in named if name in request]
        if all(mask.ndim == 2 and np.isin(mask, (0, 1)).all() for mask in masks):
            tokens = sum(mask.size for mask in masks)
            return name, 1 - sum(float(mask.sum()) for mask in masks) / tokens if tokens else 0.0
    return "", 0.0


def can_be_joined(call: Call, named: Sequence[Mapping[str, Any]]) -> bool:
    """Whether two different requests, joined along axis 0, get the answers that they get alone. Tried, not assumed."""
    from unslow.core.calls import Request

    pair = _two_of_one_shape(named)
    if pair is None:
        return False
    first, second = pair
    try:
        joined = {name: np.concatenate([to_numpy(first[name]), to_numpy(second[name])]) for name in first}
        together = [to_numpy(leaf) for leaf in leaves_of(call(Request(kwargs=joined)))]
        alone = [[to_numpy(leaf) for leaf in leaves_of(call(Request(kwargs=one)))] for one in pair]
        return all(_near(whole, np.concatenate([a, b])) for whole, a, b in zip(together, *alone, strict=True))
    except Exception:  # Whatever a model says to a batch that it was not made for: it cannot be joined.
        return False


def _two_of_one_shape(named: Sequence[Mapping[str, Any]]) -> tuple[Mapping[str, Any], Mapping[str, Any]] | None:
    seen: dict[Any, Mapping[str, Any]] = {}
    for request in named:
        shapes = tuple((name, tuple(value.shape)) for name, value in request.items())
        if any(len(shape) == 0 for _, shape in shapes):
            return None
        if shapes in seen:
            return seen[shapes], request
        seen[shapes] = request
    return None


def _near(one: Array, other: Array) -> bool:
    if one.shape != other.shape:
        return False
    scale = float(np.abs(other.astype(np.float64)).max(initial=0.0)) or 1.0
    return float(np.abs(one.astype(np.float64) - other.astype(np.float64)).max(initial=0.0)) <= SAME_ANSWER * scale
