"""Copies to another device that a script makes in its steps: which are always the same, and what they take."""

from __future__ import annotations

from collections.abc import Iterable

from unslow.core.finding import Evidence
from unslow.core.script import Noted, ScriptFacts
from unslow.habits._script import mean_step_s

LEAST_LOOKED_AT = 4
OFTEN = 0.5
"""Copies of a place that must have been compared, and how many of them a step must make."""


def frequent_copies(script: ScriptFacts) -> list[Noted]:
    """From the processor's memory, made in most steps."""
    least = OFTEN * script.noted_steps
    copies = script.of_kind("copy")
    return [copy for copy in copies if copy.details["source"] == "cpu" and copy.times_in_steps >= least]


def is_always_the_same(copy: Noted) -> bool:
    """Whether every copy that was compared with the one before held the same bits."""
    looked_at: int = copy.details["looked_at"]
    return looked_at >= LEAST_LOOKED_AT and copy.details["same"] == looked_at - 1


def share_of(copies: Iterable[Noted], evidence: Evidence, script: ScriptFacts) -> float:
    """The part of the steps' time inside these calls."""
    steps, step_s = script.noted_steps, max(mean_step_s(evidence), 1e-9)
    return min(1.0, sum(copy.seconds_in_steps for copy in copies) / steps / step_s)
