"""Lines of the user's own that run many times a step and take little each: what they call is started, not computed.

NumPy gives up the interpreter also for a call of a microsecond. A loop over rows that makes such calls is then sampled
within them, as if it computed for all of its time.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from unslow.read._files import mapping, nanoseconds
from unslow.read._samples import Sample

OFTEN = 10
"""Times a step; less is no loop."""
BRIEF_S, BRIEF_OF_SMALL_S = 20e-6, 100e-6
"""A call of NumPy's takes 1 µs and more, and those that are written in Python some 10; a line has a few of them. The
longer time holds for lines whose arrays are known to be small."""
SMALL = 10_000
"""Elements that take NumPy as long as its calls do, some 5 µs."""


def users_line(stack: Sequence[str]) -> str:
    """ "file:line" of the user's innermost frame; what is in no file ("<string>") is nobody's."""
    users = [frame for frame in stack if not frame.startswith((os.sep, "<"))]
    return (users or stack)[-1].rpartition(" ")[0]


def brief_lines(sampled: Mapping[str, Any], samples: Sequence[Sample], path: Path) -> Mapping[str, int]:
    """How often each runs in a step, by "file:line"; empty where lines were not counted.

    Raises
    ------
    BadInput
        The recording is damaged.
    """
    counted = mapping(sampled.get("counted", {}), path, "counted lines")
    times = mapping(counted.get("lines", {}), path, "counted lines")
    if not times or not samples:
        return {}
    operands = mapping(sampled.get("operands", {}), path, "operands")
    sample_s = nanoseconds(counted, "step_ns", path) / 1e9 / len(samples)
    seen = Counter(users_line(sample.stack) for sample in samples if sample.stack)
    found: dict[str, int] = {}
    for line, often in seen.items():
        count = nanoseconds(times, line, path) if line in times else 0  # A whole number, as times are.
        elements = mapping(operands.get(line, {}), path, "operands").values()
        brief_s = BRIEF_OF_SMALL_S if elements and sum(elements) < SMALL else BRIEF_S
        if count >= OFTEN and often * sample_s < brief_s * count:
            found[line] = count
    return found
