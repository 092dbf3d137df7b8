"""The time goes to computing, and no bad habit explains it: the answer when nothing else is worth fixing.

What it is
----------
Most of the time is spent inside operators, and none of the other habits found anything that would pay to remove.

Why it is slow
--------------
The model simply does much arithmetic, or moves many bytes, for each request. What takes the time is named, longest
first.

How it shows
------------
Computing is the largest category of the time, and no finding of another habit is worth fixing. Source: the definition
of the diagnosis; PyTorch's own profiler view names the longest operators in the same way. All of the time must
remain, as far as habits are concerned, so the ceiling is 1.

When it does not matter
-----------------------
When the speed is good enough. Then this is good news: nothing is wasted.

Risk
----
What is left changes the model or the machine: a smaller or distilled model, smaller inputs, a faster processor, an
accelerator. Each costs accuracy, money or work, and none is a matter of tidying up.
"""

from __future__ import annotations

from collections.abc import Iterator

from unslow.core.finding import Evidence, EvidenceValue, Finding, Habit
from unslow.core.units import share as show_share
from unslow.habits._ops import op_name
from unslow.habits._shares import is_empty, operators

NAME = "compute-bound"
NAMED = 3


def detect(evidence: Evidence) -> Iterator[Finding]:
    """One finding, if computing is the largest category of the time."""
    profile = evidence.profile
    if is_empty(profile):
        return
    shares = profile.shares
    computing = shares["compute"]
    if computing <= 0 or computing < max(shares.values()):
        return
    longest = longest_operators(evidence)
    numbers: dict[str, EvidenceValue] = {"compute_share": computing}
    numbers |= {f"{name}_share": share for name, share in longest}
    named = ", ".join(f"{name} {show_share(share)}" for name, share in longest)
    title = f"{show_share(computing)} of the time is computing ({named}), and no bad habit explains it."
    advice = "What is left is a smaller model, smaller inputs, or a faster machine."
    yield Finding(NAME, title, min(1.0, computing), 1.0, numbers, advice=advice)


def longest_operators(evidence: Evidence) -> list[tuple[str, float]]:
    """The operators that take the most of the wall time, with their shares; at most three."""
    totals: dict[str, float] = {}
    for span, share in operators(evidence.profile):
        totals[op_name(span)] = totals.get(op_name(span), 0.0) + share
    return sorted(totals.items(), key=lambda item: -item[1])[:NAMED]


HABIT = Habit(name=NAME, area="host", detect=detect, advice_only=True, is_cause=False)
