"""What a user may choose for a run; the defaults are what `unslow fix TARGET` does."""

from __future__ import annotations

import math
from dataclasses import dataclass

from unslow.core.errors import BadUsage
from unslow.core.variant import OBJECTIVES, Objective


@dataclass(frozen=True)
class Options:
    """`budget_s` bounds the whole run, softly. `worth` is the least ceiling for which a fix is tried, `noise` the
    band around
    1 that is called the same, `alpha` the chance of a wrong call over the whole race. `tolerance` overrides the
    workload's.
    `p99_below_ms` is judged on the upper end of p99's interval. `only` and `skip` name fixes. `rate` is requests per
    second of an open loop; 0: a closed loop. `memory_bytes` is what one process with its tree may take at most; 0: what
    is free.
    `patience_s` is how long any one wait on a process may be (while it builds, opens, answers, judges, or takes a turn)
    before it is taken for hung; None: what is usual for each.
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
    memory_bytes: int = 0
    patience_s: float | None = None

    def __post_init__(self) -> None:
        if self.objective not in OBJECTIVES:
            raise BadUsage(f"There is no objective {self.objective!r}.", f"Objectives: {', '.join(OBJECTIVES)}.")
        if not self.budget_s > 0:
            raise BadUsage(f"A budget of {self.budget_s} s leaves no time.", "Give it as 5m, 90s or 1h.")
        if self.patience_s is not None and not self.patience_s > 0:
            raise BadUsage(f"A patience of {self.patience_s} s ends every process at once.", "Give it as 10m or 60s.")
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
