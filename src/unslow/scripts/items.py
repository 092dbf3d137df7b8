"""Some items of a `DataLoader`'s data set, asked for again: how long each takes, and whether it is always the same."""

from __future__ import annotations

import statistics
import time
from dataclasses import replace
from typing import Any

import numpy as np

from unslow.core.calls import is_array, leaves_of, to_numpy
from unslow.core.script import LoaderFacts
from unslow.scripts.collation import collated
from unslow.scripts.elsewhere import tried_elsewhere
from unslow.scripts.same import random_state, same, same_state
from unslow.scripts.slowest_line import slowest_line

TRIED_ITEMS = 8
ASKED_TIMES = 3
TRIED_S = 4.0
"""Items of each loader that are asked for again after the recording, and for how long."""
ELSEWHERE_S, TIMES_AS_LONG = 10.0, 10.0
"""How long a forked process may take for an item: this, and so many times as long as the slowest item here."""


def tried(loader: Any, known: LoaderFacts) -> LoaderFacts:
    """What is known of the loader, and of its items."""
    if not known.items or not hasattr(loader.dataset, "__getitem__"):
        return replace(known, why_not_cached="its items have no numbers to keep them by")
    try:
        return _elsewhere(loader, _with_items(loader, known))
    except Exception as error:  # Whatever a data set says to being asked again: its items are not known, then.
        said = (str(error).strip() or type(error).__name__).splitlines()[0]
        return replace(known, why_not_cached=f"asked for an item again it raised {said}")


def _with_items(loader: Any, known: LoaderFacts) -> LoaderFacts:
    places = sorted({round(n * (known.items - 1) / max(1, TRIED_ITEMS - 1)) for n in range(TRIED_ITEMS)})
    seconds: list[float] = []
    cpu_seconds: list[float] = []
    items: list[Any] = []
    why = ""
    ends = time.perf_counter() + TRIED_S
    for place in places:
        before, cpu, started = random_state(), time.process_time(), time.perf_counter()
        item = loader.dataset[place]
        seconds.append(time.perf_counter() - started)
        cpu_seconds.append(time.process_time() - cpu)
        items.append(item)
        why = why or _why_not_the_same(loader.dataset, place, item, before)
        if time.perf_counter() > ends:
            break
    arrays = [[to_numpy(leaf) for leaf in leaves_of(item) if _countable(leaf)] for item in items]
    if any(not all(map(_countable, leaves_of(item))) for item in items):
        why = why or "its items are not made of arrays and numbers"
    shapes = {tuple((array.shape, str(array.dtype)) for array in item) for item in arrays}
    if len(shapes) > 1:
        why = why or "its items differ in shape"
    known = replace(
        known,
        item_s=statistics.median(seconds),
        item_cpu_s=statistics.median(cpu_seconds),
        slowest_item_s=max(seconds),
        deterministic=not why.startswith("its items are random"),
        fixed_shapes=len(shapes) == 1,
        item_bytes=max(sum(array.nbytes for array in item) for item in arrays),
        doubles=any(array.dtype == np.float64 for item in arrays for array in item),
        why_not_cached=why,
    )
    line, part = slowest_line(lambda: loader.dataset[places[0]])
    return collated(loader, items, replace(known, slowest_line=line, slowest_line_part=part))


def _elsewhere(loader: Any, known: LoaderFacts) -> LoaderFacts:
    """Where workers are still to come: whether another process can make an item, and how it must be started."""
    if known.workers:
        return known
    found = tried_elsewhere(loader.dataset, ELSEWHERE_S + TIMES_AS_LONG * known.slowest_item_s)
    return replace(known, start_method=found.method, why_not_forked=found.why_not_forked)


def _why_not_the_same(dataset: Any, place: int, item: Any, before: tuple[Any, ...]) -> str:
    if not same_state(before, random_state()):
        return "its items are random: making one draws random numbers (augmentation)"
    for _ in range(ASKED_TIMES - 1):
        if not same(item, dataset[place]):
            return "its items are random: asked for twice, one differs (augmentation)"
    return ""


def _countable(leaf: Any) -> bool:
    return is_array(leaf) or isinstance(leaf, (bool, int, float, np.generic))
