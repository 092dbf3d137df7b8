"""The step waits for data, and the recording does not show why.

What it is
----------
Batches come from a generator, a queue, a library's own reader or the network, and the step waits for them; or a
recording made elsewhere shows the wait and nothing of the loader.

Why it is slow
--------------
Nothing is computed while the next batch is waited for, though it could be fetched meanwhile.

How it shows
------------
The part of the wall time in which data is waited for and no loader is known that explains it; in a script, samples of
the stack too that found it waiting in no phase of the step, outside of PyTorch. The threshold is 5 % of the step. How
much must remain is not known: the finding is not scored. Source of the threshold: PyTorch's TensorBoard plugin and
xprof's input-pipeline analysis, which both call more than 5 % a wait for input.

When it does not matter
-----------------------
Where the wait is of an epoch's beginning, or of something that is meant to be waited for.

Risk
----
Fetching ahead takes memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from unslow.core.finding import Evidence, EvidenceValue, Finding, Habit
from unslow.core.units import share as show_share
from unslow.habits._sampled import Sampled, sampled, shares_by
from unslow.habits._script import LEAST_WAIT, data_share

NAME = "input-bound"
ADVICE = "Fetch the next batch while this one is computed: a DataLoader with workers, or a thread and a queue."


def detect(evidence: Evidence) -> Iterator[Finding]:
    """One finding, for all that is waited for and that no loader explains."""
    script = evidence.facts.script
    in_data = 0.0 if script is not None and script.loaders else data_share(evidence)
    lines = shares_by(_waiting(list(sampled(evidence.profile))), lambda one: one.line)
    share = min(1.0, in_data + sum(lines.values()))
    if share < LEAST_WAIT:
        return
    numbers: dict[str, EvidenceValue] = {"data_share": in_data, "waiting_share": sum(lines.values())}
    if not lines:
        title = f"{show_share(share)} of a step waits for data, and the recording does not show why."
        yield Finding(NAME, title, share, None, numbers, "", ADVICE)
        return
    line = next(iter(lines))
    title = (
        f"{show_share(share)} of a step waits, most of it at {line}, and not for a DataLoader: for a file, a network "
        "or another process."
    )
    yield Finding(NAME, title, share, None, numbers, line, ADVICE)


def _waiting(found: Sequence[Sampled]) -> Iterator[Sampled]:
    """What waits; but a call that computes for longer than it waits does so for its own threads, as SciPy's Fourier
    transforms do."""
    computes = shares_by((one for one in found if one.span.category == "compute"), lambda one: tuple(one.stack))
    waits = shares_by(filter(_waits, found), lambda one: tuple(one.stack))
    return (one for one in found if _waits(one) and waits[stack := tuple(one.stack)] >= computes.get(stack, 0.0))


def _waits(one: Sampled) -> bool:
    """In no phase; PyTorch waits for devices, not for data."""
    innermost = one.stack[-1] if one.stack else ""
    return one.span.category == "other" and not one.phase and not innermost.startswith("torch/")


HABIT = Habit(name=NAME, area="data", detect=detect, advice_only=True)
