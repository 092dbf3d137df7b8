"""Gradients are filled with zeros between steps, where they could be dropped.

What it is
----------
`optimizer.zero_grad(set_to_none=False)`, which was the default before PyTorch 2.0.

Why it is slow
--------------
Every gradient is written once more, and backward has to read it to add to it.

How it shows
------------
The part of the wall time inside `zero_grad(set_to_none=False)`. The threshold is 1 % of the step. Nothing need remain.
Source: PyTorch's performance tuning guide.

When it does not matter
-----------------------
When gradients are small beside what is computed.

Risk
----
None of its own.
"""

from __future__ import annotations

from collections.abc import Iterator

from unslow.core.finding import Evidence, Finding, Habit
from unslow.core.units import share as show_share
from unslow.habits._script import phase_share
from unslow.habits._shares import LEAST_SHARE

NAME = "gradients-zeroed-by-fill"


def detect(evidence: Evidence) -> Iterator[Finding]:
    """One finding, at the first call that fills."""
    script = evidence.facts.script
    filled = script.of_kind("fill") if script is not None else ()
    share = phase_share(evidence, "zero-grad")
    if not filled or share < LEAST_SHARE:
        return
    title = f"{show_share(share)} of a step fills gradients with zeros, which backward then reads and adds to."
    numbers = {"zero_grad_share": share, "calls": len(filled)}
    yield Finding(NAME, title, share, 0.0, numbers, str(filled[0].site), "Call zero_grad(set_to_none=True).")


HABIT = Habit(name=NAME, detect=detect)
