"""The guard of a script: the losses of its first steps, under the same seed, and under others.

Of one that has no losses (it scores, or evaluates) what its models answer is compared: see `scoring`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import final

from unslow.core.errors import WorkerFailed
from unslow.core.heat import Heat
from unslow.core.options import Options
from unslow.core.trial import Guarded
from unslow.core.workload import Workload
from unslow.fixes._script import steps_in_one
from unslow.measure.bench import Bench, Opened
from unslow.verify.final_metric import FinalMetric
from unslow.verify.scoring import judged
from unslow.verify.script_runs import OriginalFailed, ScriptRuns
from unslow.verify.training_losses import judged_losses


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
        except OriginalFailed as error:
            return replace(found, verdict="unproven", reason=f"{error.what} {found.reason}")
        except WorkerFailed as error:
            return Guarded("lost", error.what)
        return replace(final, reason=f"{final.reason} {found.reason}", numeric=found.numeric)

    @property
    def _tolerance(self) -> float:
        asked = self._options.tolerance
        return self._bench.facts.tolerance if asked is None else asked

    def _by_steps(self, workload: Workload, tag: str, lossy_variants: int, bundle: str) -> Guarded:
        try:
            found = judged_losses(_Variant(self._runs, workload, bundle), tag, self._tolerance, lossy_variants)
            return found or self._by_outputs(workload, bundle, tag)
        except WorkerFailed as error:
            return Guarded("lost", error.what)

    def _by_outputs(self, workload: Workload, bundle: str, tag: str) -> Guarded:
        ours, theirs = self._runs.original_outputs(), self._runs.outputs(workload, bundle)
        return judged(ours, theirs, tag, lambda: self._runs.original_outputs(again=True))


@dataclass(frozen=True)
class _Variant:
    """The losses of a variant's patched source, beside the original's over the same samples."""

    runs: ScriptRuns
    workload: Workload
    bundle: str

    def ours(self, seed: int, again: bool = False) -> list[float]:
        return self.runs.original_losses(seed, steps_in_one(self.workload), again, self.runs.window(self.workload))

    def theirs(self, seed: int) -> list[float]:
        return self.runs.losses(self.workload, self.bundle, seed)

    def both(self, seed: int) -> tuple[list[float], list[float]]:
        return self.runs.both_losses(self.workload, self.bundle, seed)
