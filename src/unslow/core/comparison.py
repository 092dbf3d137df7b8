"""Whether B is faster than A: two workloads, measured in turns against each other."""

from __future__ import annotations

import importlib
from dataclasses import dataclass

from unslow.core.estimate import Verdict
from unslow.core.machine import Machine
from unslow.core.trial import Guarded, Percentiles, Speedup
from unslow.core.variant import Objective


@dataclass(frozen=True)
class Side:
    """One of the two: what the user named, and what its own turns gave. None: not measured.

    `seconds_per_request` is the median, `throughput` in requests per second, `setup_s` what building it and warming it
    took.
    """

    name: str
    seconds_per_request: float | None = None
    latency_ms: Percentiles | None = None
    throughput: float | None = None
    peak_memory_bytes: int | None = None
    cpu_seconds_per_1000: float | None = None
    setup_s: float | None = None


@dataclass(frozen=True)
class Comparison:
    """`speedup` is how many times faster `b` is than `a`, per request over the same requests; None where one
    failed.

    `verdict` speaks of `b` ("faster": b is), `reason` says why where it is `failed` or `undecided`. `outputs` says
    whether b answers the same requests as a does; None where that cannot be said, which is then a note. `log_ratios`
    are ln(a ÷ b), one list per pair of processes.
    """

    a: Side
    b: Side
    speedup: Speedup | None
    verdict: Verdict
    noise: float
    objective: Objective
    environment: Machine
    seed: int = 0
    elapsed_s: float = 0.0
    outputs: Guarded | None = None
    reason: str = ""
    command: str = ""
    notes: tuple[str, ...] = ()
    log_ratios: tuple[tuple[float, ...], ...] = ()

    def __str__(self) -> str:
        # By name, since the nouns import nothing of ours: only who prints it asks for this, and for the next.
        return importlib.import_module("unslow.report.terminal").as_text(self)

    def _repr_html_(self) -> str:
        return importlib.import_module("unslow.report.notebook").comparison_html(self)
