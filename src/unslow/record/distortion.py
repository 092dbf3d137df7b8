"""What a recording cost the steps that it recorded."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field

from unslow.core.errors import BadUsage

LEAST_PAIRS = 5
"""Fewer neighbours tell nothing of how far they differ anyway."""
FINE_ENOUGH = 0.02
"""The part of a step to which its cost must be known, where it is not far above what neighbours differ by."""
STANDARD_ERRORS, CLEAR = 2.0, 4.0
_QUARTILES_TO_SD = 1 / 1.349
_MIDDLE_MEAN_TO_MEAN_ERROR = 1.09
"""The standard error of the mean of the middle half over that of the mean, on normal noise."""


def distortion(bare_seconds: Sequence[float], recorded_seconds: Sequence[float]) -> float:
    """The median ratio of a step with recording to the one beside it without, less 1 (0.04: the recording cost 4 %).

    Neighbours, because a machine drifts; the median, because a single step that the scheduler interrupted says nothing
    about the profiler. Where there are not as many of both, the medians' ratio. Noise can make it negative.

    Raises
    ------
    BadUsage
        One of the two is empty, or the bare steps took no time.
    """
    if not bare_seconds or not recorded_seconds:
        raise BadUsage(
            "The distortion of a recording needs steps with and without it.", "Time at least one step of each."
        )
    bare = statistics.median(bare_seconds)
    if bare <= 0:
        raise BadUsage(
            "The steps without recording took no time by this clock.", "Time longer steps, or several at once."
        )
    if len(bare_seconds) == len(recorded_seconds) and min(bare_seconds) > 0:
        return (
            statistics.median(after / before for before, after in zip(bare_seconds, recorded_seconds, strict=True)) - 1
        )
    return statistics.median(recorded_seconds) / bare - 1


@dataclass
class Costs:
    """The processor time that steps took of the thread that runs them, in turns looked at and not.

    What a hook costs is processor time of its thread. Steps that wait (for workers, which give batches in bursts) take
    now long and now short, so that neighbours' wall times say nothing of it.
    """

    bare: list[float] = field(default_factory=list[float])
    looked_at: list[float] = field(default_factory=list[float])

    def note(self, looks: bool, thread_seconds: float) -> None:
        """Of one step."""
        (self.looked_at if looks else self.bare).append(thread_seconds)

    def distortion(self, step_s: float) -> float | None:
        """What looking adds to a step as a part of the `step_s` that it takes without; None where that is lost in what
        steps differ by anyway (one decodes larger photos than the next). Steps may come in two kinds, as in epochs of
        two batches: then neighbours differ by as much to either side, and only the mean of the middle half, not the
        median, lies between."""
        added = sorted(after - before for before, after in zip(self.bare, self.looked_at, strict=False))
        if len(added) < LEAST_PAIRS or step_s <= 0:
            return None
        middle = added[len(added) // 4 : len(added) - len(added) // 4]
        found = statistics.fmean(middle) / step_s
        spread = (middle[-1] - middle[0]) * _QUARTILES_TO_SD
        error = _MIDDLE_MEAN_TO_MEAN_ERROR * spread / math.sqrt(len(added)) / step_s
        is_known = STANDARD_ERRORS * error <= FINE_ENOUGH or abs(found) > CLEAR * error
        return found if is_known else None
