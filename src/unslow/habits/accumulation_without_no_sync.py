"""Gradients that are accumulated over several backward passes are exchanged between the processes in each of them.

What it is
----------
A `DistributedDataParallel` model goes backward several times before the optimizer steps, and none of these passes is
inside `with model.no_sync():`.

Why it is slow
--------------
Every backward pass ends with an all-reduce of all gradients. Only the last one before the step is needed: the sum of
the gradients is the same whether each part is exchanged or only the sum.

How it shows
------------
Backward passes that exchange gradients, for each step of the optimizer that moves the model: 1.5 of them or more. How
much of a backward pass is the exchange is not known, so that the finding is not scored; the part of backward that the
needless passes are is at stake. Source: PyTorch's performance tuning guide ("skip unnecessary all-reduce"), the passes
counted. Only a live run shows it: a recording does not say how gradients are summed.

When it does not matter
-----------------------
With one process. When the network is fast and all of the exchange hides behind backward.

Risk
----
Each process holds its own sum until the last pass: gradients that are looked at or clipped between the passes are then
local.
"""

from __future__ import annotations

from collections.abc import Iterator

from unslow.core.finding import Evidence, Finding, Habit
from unslow.core.units import share as show_share
from unslow.habits._script import phase_share
from unslow.habits._shares import LEAST_SHARE, is_empty

NAME = "accumulation-without-no-sync"
LEAST_STEPS = 3
SEVERAL = 1.5


def detect(evidence: Evidence) -> Iterator[Finding]:
    """One finding, for the model whose gradients are exchanged most often."""
    script = evidence.facts.script
    models = script.of_kind("ddp") if script is not None else ()
    often = [model for model in models if model.details["steps"] >= LEAST_STEPS]
    often = [model for model in often if model.details["exchanges"] >= SEVERAL * model.details["steps"]]
    if script is None or not often:
        return
    model = max(often, key=lambda model: model.details["exchanges"] / model.details["steps"])
    times = model.details["exchanges"] / model.details["steps"]
    share = phase_share(evidence, "backward") * (1 - 1 / times)
    if not is_empty(evidence.profile) and share < LEAST_SHARE:
        return
    backward = max(script.of_kind("gradient"), key=lambda noted: noted.times_in_steps, default=model)
    title = f"Gradients are exchanged {times:.2g} times for each step of the optimizer, where once would do"
    title += f": {show_share(share)} of a step is those backward passes." if share else "."
    numbers = {"exchanges_per_step": round(times, 2), "processes": model.details["world"]}
    advice = (
        "Put all backward passes but the last before a step, with their forward calls, into `with model.no_sync():`."
    )
    yield Finding(NAME, title, share or 1.0, None, numbers, str(backward.site), advice)


HABIT = Habit(name=NAME, area="device", detect=detect, advice_only=True)
