"""What a recording cost the steps that it recorded."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from unslow.core.errors import BadUsage


def distortion(bare_seconds: Sequence[float], recorded_seconds: Sequence[float]) -> float:
    """The median step with recording divided by that without, less 1 (0.04: the recording cost 4 %).

    Medians, because a single step that the scheduler interrupted says nothing about the profiler. Noise can make it
    negative.

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
    return statistics.median(recorded_seconds) / bare - 1
