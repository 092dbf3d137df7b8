"""The load under which figures were taken, in words: a figure of a latency says nothing without it."""

from __future__ import annotations

from unslow.core.trial import Trial
from unslow.core.workload import Serving

ONE_AT_A_TIME = "one request at a time"


def load_of(serving: Serving, rate: float = 0.0) -> str:
    """How requests met a model: in batches, from how many clients, or as they arrive at `rate` a second."""
    clients = f"a closed loop of {serving.clients} clients" if serving.clients > 1 else ""
    batches = f"batches of {serving.batch_size}" if serving.batch_size > 1 else ""
    met = ", ".join(part for part in (clients, batches) if part) or ONE_AT_A_TIME
    return f"{met}; latencies in an open loop of {rate:g} arrivals a second" if rate else met


def load_line(original: Trial | None, winner: Trial | None) -> str:
    """What the figures before and after were taken under, in one sentence; "" where nothing was measured."""
    loads = [trial.load for trial in (original, winner) if trial is not None and trial.load]
    if not loads:
        return ""
    if len(set(loads)) == 1:
        return f"{loads[0][0].upper()}{loads[0][1:]}."
    return f"Before: {loads[0]}. After: {loads[1]}."
