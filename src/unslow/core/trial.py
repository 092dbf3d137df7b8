"""One variant, measured and verified against the original; and the report that holds them all."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from unslow.core.estimate import Estimate, OutputsVerdict, Verdict
from unslow.core.finding import Finding
from unslow.core.machine import Machine
from unslow.core.variant import Applied, Objective


@dataclass(frozen=True)
class Speedup:
    """How many times faster than the original, per request, over the same requests; from how many replicates."""

    point: float
    low: float
    high: float
    level: float
    turn_pairs: int
    process_pairs: int

    @property
    def estimate(self) -> Estimate:
        return Estimate(self.point, self.low, self.high, self.level, self.process_pairs or self.turn_pairs, "x")


@dataclass(frozen=True)
class Guarded:
    """What the guard says of a variant's outputs. `metric`, `agreement` and `drift` are plain JSON."""

    verdict: OutputsVerdict
    reason: str
    metric: Mapping[str, Any] = field(default_factory=dict[str, Any])
    agreement: Mapping[str, Any] = field(default_factory=dict[str, Any])
    numeric: Mapping[str, Any] = field(default_factory=dict[str, Any])
    drift: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True)
class Percentiles:
    """Of the time of a request, in ms, from a closed loop of the serving's clients, with the interval of p99."""

    p50: float
    p90: float
    p99: float
    p99_low: float
    p99_high: float
    n: int


@dataclass(frozen=True)
class Trial:
    """One variant. `reason` says in one sentence why it is not the winner, or why it failed. Raw samples stay with it.

    `speedup` is the finals' where there were finals (`process_pairs` above 0), else the race's. `race_log_ratios` are
    ln(original ÷ variant) of each pair of turns, `final_log_ratios` one list per process pair. `load` says under what
    the figures were taken: one request at a time, a closed loop of so many clients, batches, or an open loop.
    """

    id: str
    fixes: tuple[Applied, ...]
    tag: str
    verdict: Verdict
    speedup: Speedup | None = None
    outputs: Guarded | None = None
    latency_ms: Percentiles | None = None
    throughput: float | None = None
    peak_memory_bytes: int | None = None
    artefact_bytes: int | None = None
    cpu_seconds_per_1000: float | None = None
    joules_per_1000: float | None = None
    setup_s: float | None = None
    break_even_requests: float | None = None
    reason: str = ""
    race_log_ratios: tuple[float, ...] = ()
    final_log_ratios: tuple[tuple[float, ...], ...] = ()
    load: str = ""

    def __str__(self) -> str:
        return " + ".join(map(str, self.fixes)) or "original"


@dataclass(frozen=True)
class ProfileSummary:
    """What a report keeps of a profile: shares by category (of a script by phase too), the longest
    operators, and how busy each device was."""

    steps: int
    requests: int
    wall_s: float
    shares: Mapping[str, float]
    distortion: float | None
    source: str
    longest: tuple[Mapping[str, Any], ...] = ()
    notes: tuple[str, ...] = ()
    phases: Mapping[str, float] = field(default_factory=dict[str, float])
    devices: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True)
class RatedFinding:
    """A finding as it is reported: with its ceiling, whether it is worth fixing, and the fixes that treat it."""

    finding: Finding
    ceiling: float | None
    worth_fixing: bool
    fixes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Report:
    """The whole result of `fix`. `winner` is the id of a trial, or None: the original is the best that was found.

    `bundle` is the winner's folder, whose loading can run code where it `needs_trust`; of a script, `patch` is the
    winner as a file that `git apply` takes. `untried` are fixes that the findings ask for and that the budget left no
    time for. `command` repeats the run; `load` says under what the figures before and after were taken. Times are in
    seconds or ms, memory in bytes, as the names say.
    """

    target: str
    environment: Machine
    seed: int
    objective: Objective
    noise: float
    profile: ProfileSummary
    findings: tuple[RatedFinding, ...]
    trials: tuple[Trial, ...]
    winner: str | None
    elapsed_s: float
    command: str
    folder: str = ""
    bundle: str = ""
    notes: tuple[str, ...] = ()
    requests: Mapping[str, Any] = field(default_factory=dict[str, Any])
    load: str = ""
    patch: str = ""
    untried: tuple[str, ...] = ()
    needs_trust: bool = False

    @property
    def winning(self) -> Trial | None:
        return next((trial for trial in self.trials if trial.id == self.winner), None)

    def __str__(self) -> str:
        # By name, since the nouns import nothing of ours: only who prints it asks for this, and for the next.
        return importlib.import_module("unslow.report.terminal").as_text(self)

    def _repr_html_(self) -> str:
        return importlib.import_module("unslow.report.notebook").summary_html(self)
