"""What a user may choose for a run; the defaults are what `unslow fix TARGET` does."""

from __future__ import annotations

import math
from dataclasses import dataclass

from unslow.core.errors import BadUsage
from unslow.core.variant import OBJECTIVES, Objective


@dataclass(frozen=True)
class Options:
    """The defaults are those of the command line.

    Parameters
    ----------
    budget_s
        Seconds that the whole run may take, softly.
    objective
        What should shrink: "latency" (the time of a request), "throughput" (the time of many), "cost" (CPU-seconds).
    worth
        The least ceiling (a ratio, 1 and above) for which a fix is tried.
    noise
        The band around 1 that is called the same: 0.02 is ± 2 %.
    alpha
        The chance of a wrong call over the whole race, 0 to 1.
    seed
        Of every coin and resample.
    tolerance
        How much of the metric, or of the agreement, may be lost (absolute; of a script's losses, as a part of their
        mean); None: what the workload says.
    p99_below_ms
        The winner's p99 must be below this many ms, by the upper end of its interval; None: no limit.
    rate
        Requests per second of an open loop, for latencies; 0: a closed loop.
    accept_unproven
        Whether a lossy variant may win whose accuracy too few samples show.
    only, skip
        Names of fixes: try only these; do not try these.
    allow
        Names of fixes that are tried although they change more than the speed, or although no finding asks for them.
    evaluate
        Of a script: a command that is run after a whole run of it, in a copy of its working folder; the last number
        that it prints is the final metric, and higher is better. "": none.
    after_steps
        Of a script: so many steps go by before it is looked at, where it takes that long to be steady (a cache is
        filled, workers have started).
    memory_bytes
        What one process with its tree may take; 0: most of what is free.
    patience_s
        Seconds that any one wait on a process may be (while it builds, opens, answers, judges, or takes a turn) before
        it is taken for hung; None: what is usual for each.

    Raises
    ------
    BadUsage
        A value makes no sense.
    """

    budget_s: float = 300.0
    objective: Objective = "latency"
    worth: float = 1.03
    noise: float = 0.02
    alpha: float = 0.05
    seed: int = 0
    tolerance: float | None = None
    p99_below_ms: float | None = None
    rate: float = 0.0
    accept_unproven: bool = False
    only: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()
    allow: tuple[str, ...] = ()
    evaluate: str = ""
    after_steps: int = 0
    memory_bytes: int = 0
    patience_s: float | None = None

    def __post_init__(self) -> None:
        if self.objective not in OBJECTIVES:
            raise BadUsage(f"There is no objective {self.objective!r}.", f"Objectives: {', '.join(OBJECTIVES)}.")
        if not self.budget_s > 0:
            raise BadUsage(f"A budget of {self.budget_s} s leaves no time.", "Give it as 5m, 90s or 1h.")
        if self.patience_s is not None and not self.patience_s > 0:
            raise BadUsage(f"A patience of {self.patience_s} s ends every process at once.", "Give it as 10m or 60s.")
        if self.after_steps < 0:
            raise BadUsage(
                f"A look after {self.after_steps} steps makes no sense.", "Give a number that is not negative."
            )
        # Written so that "nan", which compares with nothing, is refused too.
        limits = (self.rate, self.tolerance or 0.0, 1.0 if self.p99_below_ms is None else self.p99_below_ms)
        if not all(0 <= limit < math.inf for limit in limits) or limits[-1] == 0:
            raise BadUsage(
                "--rate and --tolerance must be numbers that are not negative, --p99-below must be above 0.",
                "Leave out what is not meant.",
            )
        if not 1 <= self.worth < math.inf or not 0 <= self.noise < 1 or not 0 < self.alpha < 1:
            raise BadUsage(
                "--worth must be at least 1, --noise from 0 to 1.", "The defaults are --worth 1.03 --noise 0.02."
            )
