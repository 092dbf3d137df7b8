"""Every step looks for parameters that got no gradient, and there are none.

What it is
----------
`DistributedDataParallel(model, find_unused_parameters=True)`, with a model all of whose parameters are used.

Why it is slow
--------------
After each forward call the whole autograd graph is walked, and a mark for each parameter is exchanged between the
processes. Gradients are sent later, since nobody knows before which of them will come.

How it shows
------------
The argument, and that no parameter was without a gradient before some steps of the optimizer (three at least). How much
of forward is the search is not known, so that the finding is not scored. Source: PyTorch's own warning (its reducer
says that the flag "results in an extra traversal of the autograd graph every iteration"), the gradients counted. Only a
live run shows it: a recording does not say how the wrapper was made.

When it does not matter
-----------------------
When a branch of the model is skipped in some steps, on some processes: then it is needed.

Risk
----
Without the search, a step that leaves a parameter out raises an error.
"""

from __future__ import annotations

from collections.abc import Iterator

from unslow.core.finding import Evidence, Finding, Habit
from unslow.habits._script import phase_share
from unslow.habits._shares import LEAST_SHARE, is_empty

NAME = "unused-parameter-search"
LEAST_LOOKED_AT = 3


def detect(evidence: Evidence) -> Iterator[Finding]:
    """One finding, at the first such model."""
    script = evidence.facts.script
    models = script.of_kind("ddp") if script is not None else ()
    searched = [model for model in models if model.details["find_unused"] and not model.details["static"]]
    needless = [
        model for model in searched if model.details["looked_at"] >= LEAST_LOOKED_AT and not model.details["unused"]
    ]
    share = phase_share(evidence, "forward")
    if not needless or (not is_empty(evidence.profile) and share < LEAST_SHARE):
        return
    details = needless[0].details
    title = f"Each step searches for unused parameters, and in {details['looked_at']} steps there were none."
    numbers = {"steps_looked_at": details["looked_at"], "unused_parameters": 0, "processes": details["world"]}
    advice = "Leave find_unused_parameters=True out."
    yield Finding(NAME, title, share or 1.0, None, numbers, str(needless[0].site), advice)


HABIT = Habit(name=NAME, area="device", detect=detect, advice_only=True)
