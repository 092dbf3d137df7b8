"""Runs of a script, or of its patched source, for what the guard looks at; what the original gave is kept for good."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, final

from unslow.core.errors import WorkerFailed
from unslow.core.jsonable import from_json, to_json
from unslow.core.workload import Workload
from unslow.fixes._script import steps_in_one, warm_steps_of
from unslow.measure.bench import ANSWERS_TIMEOUT_S, Bench, longest_wait_s, start
from unslow.processes.base import Process
from unslow.scripts.outputs import StepOutputs

WINDOW_S, LONGEST_WINDOW_S = 4.0, 20.0
LEAST_STEPS, MOST_STEPS = 12, 100
"""The steps whose losses are compared: as many as the original takes this long for; the longest where a change shows
only later."""


class OriginalFailed(WorkerFailed):
    """What a variant is to be compared with is not there."""


@final
class ScriptRuns:
    """`bundle` is the folder of the patched source of a workload; "" where its fixes are put on at run time. `steps`
    are looked at; 0: as many as fit into a window."""

    def __init__(self, bench: Bench, steps: int = 0) -> None:
        self._bench, self._asked_steps = bench, steps

    def losses(self, workload: Workload, bundle: str, seed: int) -> list[float]:
        """Of the steps of the window, the script's seeds moved by `seed`. Raises `WorkerFailed`."""
        with self._started("losses", workload) as process:
            return self._losses_asked(process, workload, bundle, seed, self.window(workload))()

    def original_losses(self, seed: int, times: int = 1, again: bool = False, steps: int = 0) -> list[float]:
        """The same of the original, each the mean of `times` steps: what one step of the variant has the samples of.
        Of `steps` such; 0: of the window."""
        steps = steps or self._steps(times)
        name = f"losses-{seed}-{steps}{f'-{times}' if times > 1 else ''}{'-again' if again else ''}"
        losses = self._kept(name, lambda: self._original_losses(seed, times * steps))
        return means_of(_numbers(losses), times)

    def window(self, workload: Workload) -> int:
        """The steps whose losses are looked at, its own. Where a change needs some to be steady (a cache is filled),
        they reach beyond those, as far as time allows: it would not be looked at before."""
        times, usual = steps_in_one(workload), self._steps(steps_in_one(workload))
        reach = warm_steps_of(workload) + LEAST_STEPS
        long = times * self._bench.facts.seconds_per_request * reach > LONGEST_WINDOW_S
        return usual if self._asked_steps or long else max(usual, reach)

    def both_losses(self, workload: Workload, bundle: str, seed: int) -> tuple[list[float], list[float]]:
        """Original and variant, over the same samples (of the usual window, since there are several such), at the same
        time: nobody times them."""
        times = steps_in_one(workload)
        with self._started("losses", workload) as process:
            theirs = self._losses_asked(process, workload, bundle, seed, self._steps(times))
            return self.original_losses(seed, times), theirs()

    def outputs(self, workload: Workload, bundle: str) -> tuple[StepOutputs, ...]:
        """What the models answer in the steps of the window. Raises `WorkerFailed`."""
        with self._started("losses", workload) as process:
            answer = self._asked(process, "outputs", workload, bundle, steps=self._steps(1))()
        return from_json(tuple[StepOutputs, ...], answer)

    def original_outputs(self, again: bool = False) -> tuple[StepOutputs, ...]:
        name = f"outputs{'-again' if again else ''}"
        return from_json(tuple[StepOutputs, ...], self._kept(name, lambda: self.outputs(self._bench.original, "")))

    def both_metrics(self, workload: Workload, bundle: str, seed: int, command: str) -> tuple[float, float]:
        """What `command` says of what a whole run of the original has left, and one of the variant, at the same time:
        nobody times them. Raises `WorkerFailed`."""
        with self._started("metric", workload) as process:
            theirs = self._asked(process, "evaluated", workload, bundle, offset=seed, command=command)
            return float(self._kept(f"metric-{seed}", lambda: self._original_metric(seed, command))), _metric(theirs())

    def _original_metric(self, seed: int, command: str) -> float:
        with self._started("metric", self._bench.original) as process:
            try:
                return _metric(
                    self._asked(process, "evaluated", self._bench.original, "", offset=seed, command=command)()
                )
            except WorkerFailed as error:
                raise OriginalFailed(f"The original itself has no final metric: {error.what}", error.todo) from error

    def _kept(self, name: str, made: Callable[[], Any]) -> Any:
        path: Path = self._bench.folder.answers / f"{name}.json"
        if not path.exists():
            path.write_text(json.dumps(to_json(made())), encoding="utf-8")
        return json.loads(path.read_text(encoding="utf-8"))

    def _original_losses(self, seed: int, steps: int) -> Any:
        with self._started("losses", self._bench.original) as process:
            return self._asked(process, "losses", self._bench.original, "", offset=seed, steps=steps)()

    def _losses_asked(
        self, process: Process, workload: Workload, bundle: str, seed: int, steps: int
    ) -> Callable[[], list[float]]:
        answer = self._asked(process, "losses", workload, bundle, offset=seed, steps=steps)
        return lambda: _numbers(answer())

    def _started(self, name: str, workload: Workload) -> Process:
        return start(self._bench, name, workload.host)

    def _asked(self, process: Process, job: str, workload: Workload, bundle: str, **more: Any) -> Callable[[], Any]:
        return process.begin(
            job,
            longest_wait_s(self._bench, ANSWERS_TIMEOUT_S),
            workload=to_json(self._bench.original if bundle else workload),
            facts=to_json(self._bench.facts),
            survey=str(self._bench.folder.survey),
            bundle=bundle,
            **more,
        )

    def _steps(self, times: int) -> int:
        """Of the workload's own steps, each with the samples of `times` of the original's."""
        return self._asked_steps or steps_within(times * self._bench.facts.seconds_per_request)


def _metric(answer: Any) -> float:
    return float(answer["metric"])


def steps_within(seconds: float) -> int:
    """Of steps that take so long, those whose losses are compared."""
    return int(min(MOST_STEPS, max(LEAST_STEPS, WINDOW_S / max(seconds, 1e-6))))


def means_of(losses: Sequence[float], times: int) -> list[float]:
    """Of each `times` losses in a row their mean; what is left over at the end is left out."""
    return [sum(losses[place : place + times]) / times for place in range(0, len(losses) - times + 1, times)]


def _numbers(losses: Any) -> list[float]:
    """From plain JSON, in which a loss that has become infinite or NaN is a word."""
    return list(from_json(tuple[float, ...], losses))
