"""The optimizer updates each parameter by a dozen small operations of its own.

What it is
----------
Adam, AdamW, SGD and Adagrad have a fused form, one kernel for all that a parameter's update takes, which is off by
default.

Why it is slow
--------------
Each small operation is dispatched from Python and goes through memory once more.

How it shows
------------
The part of the wall time inside `optimizer.step()`, where an optimizer with a fused form does not use it. The threshold
is 0.5 % of the step. How much of it must remain is not known on this machine: the finding is not scored. Source:
PyTorch's documentation of `torch.optim` ("fused is typically fastest"). Only a live run shows it: a recording does not
say which optimizer it was.

When it does not matter
-----------------------
When the batch is large: the optimizer's time does not grow with it.

Risk
----
None of its own.
"""

from __future__ import annotations

from collections.abc import Iterator

from unslow.core.finding import Evidence, Finding, Habit
from unslow.core.units import share as show_share
from unslow.habits._script import phase_share

NAME = "unfused-optimizer"
LEAST = 0.005
"""Where something else takes most of a step, this may be a tenth of what is left once that is gone."""


def detect(evidence: Evidence) -> Iterator[Finding]:
    """One finding, for all of the script's optimizers."""
    script = evidence.facts.script
    share = phase_share(evidence, "optimizer")
    if script is None or share < LEAST:
        return
    unfused = [
        noted for noted in script.of_kind("optimizer") if noted.details["can_be_fused"] and not noted.details["fused"]
    ]
    if not unfused:
        return
    first = unfused[0]
    title = (
        f"{show_share(share)} of a step is the optimizer: {first.details['class']} updates "
        f"{first.details['tensors']} parameters one operation after the other."
    )
    numbers = {"optimizer_share": share, "parameters": int(first.details["tensors"])}
    yield Finding(NAME, title, share, None, numbers, str(first.site), "Make it with fused=True.")


HABIT = Habit(name=NAME, area="device", detect=detect)
