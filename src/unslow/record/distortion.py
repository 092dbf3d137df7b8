"""What a recording cost the steps that it recorded."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from unslow.core.errors import BadUsage


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
