"""What a script does every so many steps, by the times of its steps: an evaluation, a checkpoint, a line of log."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

LONG = 1.5
"""Times the median step: so long is one in which something else is done too."""
LEAST_SEEN = 3
"""Long steps, each as far from the one before, that make a rhythm: two are a distance. And the shortest distance: a
turn has no fewer steps."""
MOST = 2 / 3
"""The part of all long steps that must be in it: what else is long is the machine."""
LEAST_EXCESS = 0.05
"""The part of all time that they take beyond a usual step. Less than this changes no turn that matters."""


def rhythm(step_seconds: Sequence[float]) -> int:
    """Every so many steps one is long, by these times of steps in a row; 0 where there is no such number."""
    if len(step_seconds) < 2 * LEAST_SEEN:
        return 0
    median = statistics.median(step_seconds)
    long = [seconds > LONG * median for seconds in step_seconds]
    for distance in range(LEAST_SEEN, len(long) // LEAST_SEEN + 1):
        for first in range(distance):
            in_it = long[first::distance]
            if len(in_it) >= LEAST_SEEN and all(in_it) and len(in_it) >= MOST * sum(long):
                excess = sum(step_seconds[first::distance]) - median * len(in_it)
                return distance if excess >= LEAST_EXCESS * sum(step_seconds) else 0
    return 0
