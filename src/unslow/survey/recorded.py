"""The steps of a script that a survey times: some with their phases, the others for what looking at those costs."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import final

from unslow.record.distortion import Costs
from unslow.scripts.phases import Phase, Phases
from unslow.scripts.run import Plan
from unslow.survey.looks import ENOUGH, OFTEN, Looks, one_of


@final
class Recorded:
    """The times of steps, with the spans of those that were looked at.

    `step` is a plan that returns when a step has ended. `spans` are those that `phases` collects from now on.
    """

    def __init__(self, phases: Phases, step: Callable[[], Plan]) -> None:
        self._phases, self._step = phases, step
        self.steps: list[dict[str, int]] = []
        self.bare: list[float] = []
        self.in_a_row: list[float] = []
        self.spans: list[Phase] = []
        self.begin_anew()

    def begin_anew(self) -> None:
        """Nothing has been timed."""
        for each in (self.steps, self.bare, self.in_a_row):
            each.clear()
        self._phases.forget()
        self.spans, self._costs = self._phases.spans, Costs()
        self._looks, self._one_of = Looks(), OFTEN

    @property
    def taken(self) -> int:
        """The steps that were timed, with their phases or without."""
        return len(self.in_a_row)

    @property
    def seconds(self) -> list[float]:
        """Of the steps that were timed: without their phases, where there are such."""
        return self.bare or [(step["end_ns"] - step["start_ns"]) / 1e9 for step in self.steps]

    def distortion(self) -> float | None:
        """What looking adds to a step, as a part of it; None where that is not known."""
        return self._costs.distortion(statistics.median(self.bare)) if self.bare else None

    def next(self) -> Plan:
        """Time one more step."""
        looks = self._looks.at_next(self._one_of)
        self._phases.on = looks is True
        thread_s, cpu, start = time.thread_time(), time.process_time_ns(), time.perf_counter_ns()
        yield from self._step()
        end, cpu = time.perf_counter_ns(), time.process_time_ns() - cpu
        if looks is not None:
            self._costs.note(looks, time.thread_time() - thread_s)
        self.in_a_row.append((end - start) / 1e9)
        if looks:
            self._phases.close(end)
            self._phases.on = False
            self.steps.append({"start_ns": start, "end_ns": end, "cpu_ns": cpu})
            if len(self.steps) == ENOUGH:
                self._one_of = one_of(statistics.median(self.bare))
        else:
            self.bare.append((end - start) / 1e9)
