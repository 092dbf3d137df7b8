"""What attention in one operator takes on this machine, for the shapes of a workload: whether it is faster than its
parts, and by how much, hangs on them more than any micro-benchmark of one shape could tell."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from contextlib import suppress

from unslow.core.attention import FusedAttention
from unslow.core.jsonable import to_json
from unslow.machine import _children
from unslow.machine.floors import Start

DEADLINE_SECONDS = 8.0
"""For all of them, the start of the process included."""
ROUNDS = 3
"""Some time apart: what else the machine does for a fifth of a second is not taken for the operator's own time."""


def fused_seconds(
    asked: Sequence[FusedAttention], cores: int, start: Start = _children.Children
) -> dict[FusedAttention, float]:
    """Seconds of one call of each, at its shortest, with as many threads as `cores`; without those that this machine
    cannot do, or for which there was no time. Nothing here raises."""
    found: dict[FusedAttention, float] = {}
    if not asked:
        return found
    with suppress(OSError), start({"torch": "unslow.machine._bench_attention"}, cores, DEADLINE_SECONDS) as children:
        for one in (*asked,) * ROUNDS:
            if values := children["torch"].ask(json.dumps(to_json(one))).get("values"):
                found[one] = min(*values, found.get(one, math.inf))
    return found
