"""The final metric of a script: what the user's own command says of what a whole run has left (`--evaluate`)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np

from unslow.core.trial import Guarded
from unslow.core.workload import Workload
from unslow.measure.finals import t_quantile
from unslow.verify.script_runs import ScriptRuns

RUNS = 5
"""Whole runs of the original and of a variant; each pair has a seed of its own."""
LEVEL = 0.95


@dataclass(frozen=True)
class Loss:
    """By how much the variant's metric is lower, over pairs of runs of the same seed: an estimate, one-sided each
    way."""

    point: float
    low: float
    high: float
    original: float
    runs: int


@final
class FinalMetric:
    """Runs the script to its end and asks `command`, in the folder that the run has written into."""

    def __init__(self, runs: ScriptRuns, command: str) -> None:
        self._runs, self._command = runs, command

    def judge(self, workload: Workload, bundle: str, tolerance: float, variants: int) -> Guarded:
        """Not inferior by `tolerance` (in units of the metric; higher is better), over `RUNS` pairs of whole runs.

        Raises
        ------
        WorkerFailed
            A run, or the command after it, failed.
        """
        pairs = [self._runs.both_metrics(workload, bundle, seed, self._command) for seed in range(RUNS)]
        ours, theirs = zip(*pairs, strict=True)
        loss = loss_of(ours, theirs, 1 - (1 - LEVEL) / max(1, variants))
        return verdict_on(loss, tolerance)


def loss_of(ours: Sequence[float], theirs: Sequence[float], level: float) -> Loss:
    """The mean of the paired differences with its t-interval, one-sided at `level` at each end."""
    lost = np.array(ours) - np.array(theirs)
    half = t_quantile(level, len(lost) - 1) * float(lost.std(ddof=1)) / math.sqrt(len(lost))
    point = float(lost.mean())
    return Loss(point, point - half, point + half, float(np.mean(ours)), len(lost))


def verdict_on(loss: Loss, tolerance: float) -> Guarded:
    """`kept` where the loss is shown to be below `tolerance`, `lost` where it is shown to be above."""
    said = (
        f"The final metric is {loss.original:.4g} before and {loss.original - loss.point:.4g} after, over {loss.runs} "
        f"whole runs of each: {loss.point:+.3g} [{loss.low:.3g}, {loss.high:.3g}] is lost"
    )
    metric = {"loss": loss.point, "low": loss.low, "high": loss.high, "allowed": tolerance}
    if not all(map(math.isfinite, (loss.low, loss.high))):
        return Guarded("lost", f"{said}: it is no number.", metric=metric)
    if loss.high <= tolerance:
        return Guarded("kept", f"{said}, less than {tolerance:g}.", metric=metric)
    if loss.low > tolerance:
        return Guarded("lost", f"{said}, more than {tolerance:g}.", metric=metric)
    return Guarded("unproven", f"{said}: too few runs to say that it is less than {tolerance:g}.", metric=metric)
