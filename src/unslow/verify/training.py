"""The guard of a script: the losses of its first steps, under the same seed, and under others.

Of one that has no losses (it scores, or evaluates) what its models answer is compared: see `scoring`."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, final

import numpy as np

from unslow.core.errors import WorkerFailed
from unslow.core.heat import Heat
from unslow.core.options import Options
from unslow.core.trial import Guarded
from unslow.core.workload import Workload
from unslow.fixes._script import steps_in_one
from unslow.measure.bench import Bench, Opened
from unslow.measure.finals import t_quantile
from unslow.verify.final_metric import FinalMetric
from unslow.verify.scoring import judged
from unslow.verify.script_runs import ScriptRuns

SEEDS = 6
"""Runs of the original and of the variant where equal bits are not to be had; each pair has a seed of its own."""
ENOUGH_TO_LOSE = 3
"""Of them, those after which what is clearly worse need not go on; nothing is kept that early."""
SPREADS = 2.0
"""Standard deviations of the script's own seeds by which the loss may be worse: another seed is as far away."""
TAIL = 0.5
"""Of the window, the last part whose mean loss is compared: at its beginning all runs are alike."""
LEVEL = 0.95
ROUNDING = 1e-3
"""Relative differences of losses from the same seed up to this are those of another order of sums."""


@final
class TrainingGuard:
    """Keeps the original's losses by seed for the whole run."""

    in_evaluation_mode = False

    def __init__(self, bench: Bench, options: Options) -> None:
        self._bench = bench
        self._options = options
        self._runs = ScriptRuns(bench)
        self._metric = FinalMetric(self._runs, options.evaluate) if options.evaluate else None

    def prepare(self, original: Callable[[], Opened]) -> None:
        """Nothing is needed before anything is tried."""

    def check_subset(self, original: Opened, variant: Opened, heat: Heat) -> str:
        """Losses are looked at before the finals, not in the race: a process that takes turns is in mid-run."""
        return ""

    def close(self) -> None:
        """There is no process of its own that stays."""

    def judge(self, heat: Heat, tag: str, lossy_variants: int, bundle: str = "") -> Guarded:
        """The losses of the variant's patched source, judged against the original's; then the final metric, where the
        user has one and the losses are not the same to the bit."""
        if heat.workload is None:
            return Guarded("lost", "It was never built.")
        found = self._by_steps(heat.workload, tag, lossy_variants, bundle)
        details = (found.numeric or {}).get("details", {})
        if self._metric is None or found.verdict == "lost" or details.get("rule") == "bit-equal":
            return found
        try:
            final = self._metric.judge(heat.workload, bundle, self._tolerance, lossy_variants)
        except WorkerFailed as error:
            return Guarded("lost", error.what)
        return replace(final, reason=f"{final.reason} {found.reason}", numeric=found.numeric)

    @property
    def _tolerance(self) -> float:
        asked = self._options.tolerance
        return self._bench.facts.tolerance if asked is None else asked

    def _by_steps(self, workload: Workload, tag: str, lossy_variants: int, bundle: str) -> Guarded:
        times = steps_in_one(workload)
        try:
            ours = self._runs.original_losses(0, times)
            if not ours:
                return self._by_outputs(workload, bundle, tag)
            theirs = self._runs.losses(workload, bundle, 0)
        except WorkerFailed as error:
            return Guarded("lost", error.what)
        if not all(map(math.isfinite, theirs)) and all(map(math.isfinite, ours)):
            return Guarded("lost", "Its loss becomes NaN or infinite where the original's does not.")
        same = _first_difference(ours, theirs)
        details: dict[str, Any] = {"rule": "losses", "steps": len(ours), "original": ours, "variant": theirs}
        if same is None:
            text = f"The losses of {len(ours)} steps are the same to the bit, from the same seed."
            return Guarded("kept", text, numeric={"details": {**details, "rule": "bit-equal"}})
        if tag == "exact" and _first_difference(ours, self._runs.original_losses(0, times, again=True)) is None:
            text = (
                f"An exact fix must leave the losses as they are: at step {same + 1} it is {theirs[same]:.6g}, "
                f"and {ours[same]:.6g} before."
            )
            return Guarded("lost", text, numeric={"details": details})
        apart = _largest_difference(ours, theirs)
        if tag == "numeric" and len(ours) == len(theirs) and apart <= ROUNDING:
            text = f"The losses of {len(ours)} steps differ by at most {apart:.1e} of their size, from the same seed."
            return Guarded("kept", text, numeric={"details": {**details, "rule": "rounding", "largest": apart}})
        if not all(map(math.isfinite, ours)):
            return Guarded("unproven", "The original's own loss becomes NaN or infinite.", numeric={"details": details})
        return self._by_seeds(workload, bundle, lossy_variants, details)

    def _by_seeds(self, workload: Workload, bundle: str, variants: int, details: dict[str, Any]) -> Guarded:
        """Not inferior in mean loss at the end of the window, against the spread of the script's own seeds."""
        runs: list[tuple[list[float], list[float]]] = []
        judged: Guarded | None = None
        for seed in range(SEEDS):
            try:
                runs.append(self._runs.both_losses(workload, bundle, seed))
            except WorkerFailed as error:
                return Guarded("lost", error.what)
            if len(runs) in (ENOUGH_TO_LOSE, SEEDS):
                judged = _over_seeds(runs, self._tolerance, variants, details)
            if judged is not None and judged.verdict == "lost":
                break
        return judged or Guarded("unproven", "No seed was tried.")

    def _by_outputs(self, workload: Workload, bundle: str, tag: str) -> Guarded:
        ours, theirs = self._runs.original_outputs(), self._runs.outputs(workload, bundle)
        return judged(ours, theirs, tag, lambda: self._runs.original_outputs(again=True))


def _over_seeds(
    runs: Sequence[tuple[list[float], list[float]]], tolerance: float, variants: int, details: dict[str, Any]
) -> Guarded:
    """The verdict on the losses of original and variant, over so many seeds."""
    pairs = [(_tail(ours[: len(theirs)]), _tail(theirs[: len(ours)])) for ours, theirs in runs]
    ours, theirs = np.array([a for a, _ in pairs]), np.array([b for _, b in pairs])
    worse, spread = theirs - ours, float(ours.std(ddof=1))
    allowed = max(tolerance * abs(float(ours.mean())), SPREADS * spread)
    # One-sided at each end: only being worse is at stake.
    level = 1 - (1 - LEVEL) / max(1, variants)
    half = t_quantile(level, len(runs) - 1) * float(worse.std(ddof=1)) / math.sqrt(len(runs))
    low, high = float(worse.mean()) - half, float(worse.mean()) + half
    metric = {"loss": float(worse.mean()), "low": low, "high": high, "allowed": allowed, "spread": spread}
    steps = min(len(ours_of) for ours_of, _ in runs)
    said = (
        f"The mean loss of steps {steps // 2} to {steps} is {float(worse.mean()):+.2g} [{low:.2g}, {high:.2g}] "
        f"beside the original's {float(ours.mean()):.3g}, over {len(runs)} seeds"
    )
    about: dict[str, Any] = {"metric": metric, "numeric": {"details": details}}
    if high <= allowed:
        return Guarded("kept", f"{said}: not worse than other seeds make it (by {allowed:.2g}).", **about)
    if low > allowed:
        return Guarded("lost", f"{said}: worse than other seeds make it (by {allowed:.2g}).", **about)
    return Guarded("unproven", f"{said}: too few steps to say that it is not worse by {allowed:.2g}.", **about)


def _first_difference(a: Sequence[float], b: Sequence[float]) -> int | None:
    """The first step whose losses are not the same number; None where there is none, over what both have."""
    return next((place for place, (x, y) in enumerate(zip(a, b, strict=False)) if not _same(x, y)), None)


def _same(x: float, y: float) -> bool:
    return x == y or (math.isnan(x) and math.isnan(y))


def _largest_difference(a: Sequence[float], b: Sequence[float]) -> float:
    """Of the losses of the same steps, relative to the larger one."""
    return max((_apart(x, y) for x, y in zip(a, b, strict=False)), default=0.0)


def _apart(x: float, y: float) -> float:
    if math.isfinite(x) and math.isfinite(y):
        return abs(x - y) / max(abs(x), abs(y), 1e-12)
    return 0.0 if _same(x, y) else math.inf


def _tail(losses: Sequence[float]) -> float:
    return float(np.mean(losses[int(TAIL * len(losses)) :]))
