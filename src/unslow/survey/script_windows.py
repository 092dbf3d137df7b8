"""Two short windows of a running script, after its steps have been timed: samples of its stack, and its operators.

What they cost is in no time that is reported: only how the parts of a phase compare is taken from them.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

from unslow.core.script import PHASE_MARK
from unslow.record.stack_sampler import Sampler, Samples, Stack
from unslow.scripts.line_counts import LineCounts, can_count
from unslow.scripts.operands import Operands
from unslow.scripts.phases import Phases
from unslow.scripts.run import Plan
from unslow.scripts.sites import stack_of

SAMPLED_S, LEAST_SAMPLED = 3.0, 2
LEAST_IN_NUMPY = 0.1
"""The part of the samples in NumPy's calls from which on it is asked how long they are."""
OPERATORS_S, MOST_OPERATOR_STEPS = 1.5, 20
"""Seconds and steps of each window; it holds at least one step more, where that is longer."""

Step = Callable[[], Plan]


def sampled_window(phases: Phases, step: Step, into: dict[str, Any]) -> Plan:
    """Some steps with the stack sampled: the samples, each with the phase it fell in, go `into` a part of the
    recording, also where the script ends before the window does."""

    operands = Operands()

    def look(frame: FrameType | None) -> tuple[Stack, str]:
        operands.look(frame)
        return stack_of(frame), phases.innermost()

    sampler, started, count = Sampler(look), time.perf_counter(), 0
    ends = started + SAMPLED_S
    phases.on = True
    sampler.start()
    try:
        while count < LEAST_SAMPLED or time.perf_counter() < ends:
            yield from step()
            count += 1
            phases.close(time.perf_counter_ns())
            phases.forget()
    finally:
        phases.on = False
        sampler.stop()
        phases.close(time.perf_counter_ns())
        phases.forget()
        step_ns = round((time.perf_counter() - started) * 1e9 / max(1, count))
        into.update(sampler.samples.as_json() | {"operands": operands.found})
    if can_count() and _in_numpy(sampler.samples, operands) >= LEAST_IN_NUMPY:
        lines: dict[str, int] = {}
        into["counted"] = {"step_ns": step_ns, "lines": lines}
        yield from _counted(step, lines)


def _in_numpy(samples: Samples, operands: Operands) -> float:
    """The part of the samples that are in lines with arrays of NumPy's, or in NumPy itself."""
    stacks = list(samples.stacks)
    found: list[Stack] = [stacks[row["stack"]] for row in samples.rows]
    lines = {place for place, elements in operands.found.items() if elements}
    inside = [stack for stack in found if stack[-1].rpartition(" ")[0] in lines or "/numpy/" in stack[-1]]
    return len(inside) / max(1, len(found))


def _counted(step: Step, into: dict[str, int]) -> Plan:
    """One step in which lines are counted."""
    counts = LineCounts()
    counts.start(sys._getframe())  # pyright: ignore[reportPrivateUsage]
    try:
        yield from step()
    finally:
        counts.stop(sys._getframe())  # pyright: ignore[reportPrivateUsage]
        into.update(counts.found)


def operator_window(phases: Phases, step: Step, folder: Path, into: dict[str, Any]) -> Plan:
    """Some steps under PyTorch's profiler, with the phases as marks: its trace goes `into` a part of the recording.

    Nothing does where the script has no PyTorch, or profiles itself: there is one profiler in a process.
    """
    if "torch" not in sys.modules:
        return
    from unslow.record.torch_window import OperatorWindow

    window = OperatorWindow(folder)
    try:
        window.begin()
    except RuntimeError:
        return
    phases.annotate = lambda kind: window.span(PHASE_MARK + kind)
    phases.on = True
    ends = time.perf_counter() + OPERATORS_S
    try:
        while not window.steps or (window.steps < MOST_OPERATOR_STEPS and time.perf_counter() < ends):
            yield from step()
            phases.close(time.perf_counter_ns())
            phases.forget()
            window.stepped()
    finally:
        phases.on = False
        phases.close(time.perf_counter_ns())
        phases.annotate = None
        phases.forget()
        trace = window.end()
        into.update(trace if window.steps else {})
