"""The guard: gets answers from processes and has them judged, a cheap subset in the race, everything before the
finals."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, final

import numpy as np

from unslow.core.errors import WorkerFailed
from unslow.core.facts import Facts
from unslow.core.heat import Heat
from unslow.core.jsonable import from_json, to_json
from unslow.core.options import Options
from unslow.core.trial import Guarded
from unslow.core.workload import Workload
from unslow.measure.bench import ANSWERS_TIMEOUT_S, Bench, Opened, longest_wait_s, start
from unslow.measure.opening import Opening, load_process
from unslow.processes.base import Process
from unslow.survey.requests import read_requests
from unslow.verify.drift import Explained, explained, measured
from unslow.verify.judge import GROSS_ERROR, Case, read_answers
from unslow.verify.numeric import errors
from unslow.verify.outputs import Answers, is_float

SUBSET = 8
"""Evaluation requests that are compared while a variant is still in the race."""
METRIC_SHARE = 0.1
"""Of the budget, what the resamples of the user's metric may take for one variant (but half of a wait at most)."""
REFERENCE_SECONDS = 6.0
"""A float64 run of the original is made on as many evaluation requests as take about this long."""
FLOAT64_TIMES = 3
"""How many times longer an answer in float64 takes, roughly."""
LEAST_REFERENCE = 4
"""With fewer requests a float64 run says too little of the original's own error."""


@dataclass(frozen=True)
class Paths:
    """Where answers lie."""

    folder: Path

    def of(self, name: str) -> Path:
        return self.folder / f"{name}.npz"


@dataclass(frozen=True)
class _Reference:
    """The file of a float64 run ("": none), and the requests that it answers (none: all)."""

    path: str = ""
    places: tuple[int, ...] = ()


@final
class Guard:
    """Keeps the original's answers, and the process that judges, for the whole run.

    A stochastic original (dropout left on) is compared in evaluation mode, as is one with any layer in training mode.
    """

    def __init__(self, bench: Bench, options: Options) -> None:
        self._bench = bench
        self._options = options
        self._paths = Paths(bench.folder.answers)
        self._judge: Process | None = None
        self._subset: Answers | None = None
        self._cannot: set[Path] = set()

    @property
    def in_evaluation_mode(self) -> bool:
        """Whether the original is compared as it answers in evaluation mode, not as the user runs it."""
        return bool(self._bench.facts.training)

    @property
    def _wait_s(self) -> float:
        return longest_wait_s(self._bench, ANSWERS_TIMEOUT_S)

    def prepare(self, original: Callable[[], Opened]) -> None:
        """Where there is a metric: the original's answers and the metric on them, before anything is tried.

        The process that will judge imports while the original does. Raises as `original_answers`.
        """
        if self._bench.facts.has_metric and not self._paths.of("original").exists():
            self._judge = start(self._bench, "judge", self._bench.original.host)
            ready = self._judge.begin("prepare", self._wait_s, target=to_json(self._bench.original.target))
            opened = original()
            try:
                ready()
            except WorkerFailed as error:
                raise error.of_the_target("Make the workload's evaluation run by itself first.") from error
            self._judge.suspend()
            self.original_answers(opened)

    def original_answers(self, opened: Opened | None = None) -> Path:
        """The original's answers to every evaluation request, made once; by `opened`, if it answers as is wanted.

        Raises
        ------
        BadInput
            The original cannot answer them, or the user's metric cannot be used on its answers.
        CannotRun
            It is the environment that they cannot run in.
        """
        path, unchecked = self._paths.of("original"), self._paths.of("original-unchecked")
        if path.exists():
            return path
        try:
            if opened is not None and not self.in_evaluation_mode:
                _answers(opened, unchecked, None, self._wait_s)
                self._perturbed_by(opened)
            else:
                with self._open_original({}) as process:
                    process.ask("answers", self._wait_s, places=None, path=str(unchecked))
            self._asked("check_metric", original=str(unchecked))
        except WorkerFailed as error:
            # The original's own trouble, not the variant's that is looked at.
            raise error.of_the_target("Make the workload's evaluation run by itself first.") from error
        return unchecked.rename(path)

    def check_subset(self, original: Opened, variant: Opened, heat: Heat) -> str:
        """Why the outputs are lost beyond doubt, looking at a few answers only; "" if they may be kept."""
        places = self._places(SUBSET)
        if self._subset is None:
            whole = read_answers(self.original_answers(original))
            self._subset = whole.take(places)
        path = self._paths.of(f"{heat.id}-subset")
        _answers(variant, path, places, self._wait_s)
        answers = read_answers(path)
        if reason := self._subset.difference_of_structure(answers):
            return reason
        if not answers.finite(self._subset):
            return "It answers NaN or infinity where the original answers numbers."
        if not any(is_float(leaf) for leaf in self._subset.leaves[0]):
            return ""
        error = float(np.median(errors(answers, self._subset)))
        return f"Its answers are far from the original's: relative error {error:.2g}." if error > GROSS_ERROR else ""

    def judge(self, heat: Heat, tag: str, lossy_variants: int, bundle: str = "") -> Guarded:
        """Every answer of a variant (of its bundle, if there is one), judged. `lossy_variants` share the error rate."""
        path = self._paths.of(heat.id)
        if heat.workload is None:
            return Guarded("lost", "It was never built.")
        original, reference, again = self.original_answers(), self._reference(tag), self._again(tag)
        try:
            opening = Opening(heat.id, heat.workload, self._bench.final_order, bundle)
            process = load_process(self._bench, opening)
        except WorkerFailed as error:
            return Guarded("lost", error.what)
        with process:
            try:
                process.ask("answers", self._wait_s, places=None, path=str(path))
            except WorkerFailed as error:
                return Guarded("lost", error.what)
            tolerance = self._bench.facts.tolerance if self._options.tolerance is None else self._options.tolerance
            alpha = self._options.alpha / max(1, lossy_variants)
            case = Case(
                str(original),
                str(path),
                tag,
                tolerance,
                alpha,
                self._options.seed,
                reference=reference.path,
                again=again,
                reference_places=reference.places,
                seconds=min(METRIC_SHARE * self._options.budget_s, self._wait_s / 2),
            )
            try:
                guarded = from_json(Guarded, self._asked("judge", case=to_json(case)))
            except WorkerFailed as error:
                # A metric that is slow, or breaks on a resample, costs its verdict and not the run.
                self.close()
                return Guarded("unproven", f"It could not be judged: {error.what}")
            return replace(guarded, drift=self._drift(process, heat, guarded))

    def close(self) -> None:
        if self._judge is not None:
            self._judge.close()
            self._judge = None

    def _drift(self, process: Process, heat: Heat, guarded: Guarded) -> Mapping[str, Any]:
        """How far the reasons for the answers drift; {} where it cannot be said, or need not (equal bits)."""
        details: Mapping[str, Any] = guarded.numeric.get("details", {})
        if guarded.verdict == "lost" or details.get("rule") == "bit-equal":
            return {}
        asked, path = self._explained(), self._paths.of(f"{heat.id}-perturbed")
        if asked is None:
            return {}
        requests, original = self._paths.of("perturbed"), self._paths.of("original-perturbed")
        try:
            if not original.exists():
                with self._open_original({}) as other:
                    self._perturb(asked, other)
            process.ask("answers_to", self._wait_s, requests=str(requests), path=str(path))
        except WorkerFailed as error:  # what was judged stays judged
            return {"unknown": error.what}
        return measured(asked, read_answers(original), read_answers(path))

    def _perturbed_by(self, opened: Opened) -> None:
        """The original's answers to perturbed requests, while it is open: to open it again would take longer."""
        asked = self._explained()
        opened.process.resume()
        try:
            if asked is not None:
                self._perturb(asked, opened.process)
        except WorkerFailed:
            pass  # Whether it matters shows where a variant drifts; whether the original lives, in the next turn.
        finally:
            opened.process.suspend()

    def _perturb(self, asked: Explained, original: Process) -> None:
        requests, answers = self._paths.of("perturbed"), self._paths.of("original-perturbed")
        asked.write(requests)
        original.ask("answers_to", self._wait_s, requests=str(requests), path=str(answers))

    def _explained(self) -> Explained | None:
        facts = self._bench.facts
        if not facts.flat_inputs:
            return None
        return explained(facts, read_requests(self._bench.folder.survey).evaluation, self._options.seed)

    def _reference(self, tag: str) -> _Reference:
        """A float64 run of a PyTorch original, for what its own error is, on as many requests as there is time for."""
        facts, path = self._bench.facts, self._paths.of("float64")
        fit = int(REFERENCE_SECONDS / (FLOAT64_TIMES * max(facts.seconds_per_request, 1e-9)))
        places = () if fit >= facts.evaluation_requests else tuple(self._places(fit))
        if tag == "lossy" or facts.framework != "torch" or "float32" not in facts.parameter_bytes:
            return _Reference()
        if fit < min(LEAST_REFERENCE, facts.evaluation_requests):
            return _Reference()
        # A model that casts inside itself cannot run in float64: its own error is then assumed.
        made = self._answered(path, {"dtype": "float64", "eval": True}, list(places) or None)
        return _Reference(str(path), places) if made else _Reference()

    def _again(self, tag: str) -> str:
        """A second run of an original that answers differently each time, for how far it is from itself; else ""."""
        path = self._paths.of("original-again")
        if tag != "exact" or not self._bench.facts.stochastic:
            return ""
        return str(path) if self._answered(path, {}, None) else ""

    def _answered(self, path: Path, settings: Mapping[str, object], places: list[int] | None) -> bool:
        """Whether the original with these settings has answered into the file, now or earlier."""
        if not path.exists() and path not in self._cannot:
            try:
                with self._open_original(settings) as process:
                    process.ask("answers", self._wait_s, places=places, path=str(path))
            except WorkerFailed:  # Nor could it for the next variant.
                self._cannot.add(path)
        return path not in self._cannot

    def _open_original(self, settings: Mapping[str, object]) -> Process:
        workload = _with_settings(compared_original(self._bench.original, self._bench.facts), settings)
        return load_process(self._bench, Opening("original", workload, self._bench.final_order, original=True))

    def _asked(self, job: str, **arguments: object) -> object:
        if self._judge is None:
            self._judge = start(self._bench, "judge", self._bench.original.host)
        self._judge.resume()
        try:
            return self._judge.ask(job, self._wait_s, target=to_json(self._bench.original.target), **arguments)
        finally:
            self._judge.suspend()

    def _places(self, most: int) -> list[int]:
        """At most so many of the evaluation requests, spread over all of them."""
        requests = self._bench.facts.evaluation_requests
        most = min(most, requests)
        if self._bench.facts.carried:  # What hangs together is looked at from its beginning.
            return list(range(most))
        return sorted({round(place * (requests - 1) / max(1, most - 1)) for place in range(most)})


def compared_original(original: Workload, facts: Facts) -> Workload:
    """The original as others are compared with it: in evaluation mode, where it answers at random."""
    return _with_settings(original, {"eval": True} if facts.training else {})


def _with_settings(workload: Workload, settings: Mapping[str, object]) -> Workload:
    return replace(workload, model=replace(workload.model, settings={**workload.model.settings, **settings}))


def _answers(opened: Opened, path: Path, places: list[int] | None, timeout_s: float) -> None:
    opened.process.resume()
    try:
        opened.process.ask("answers", timeout_s, places=places, path=str(path))
    finally:
        opened.process.suspend()
