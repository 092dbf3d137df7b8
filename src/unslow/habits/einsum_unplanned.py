"""A product over indices is computed in one loop, or from left to right, where a planned order takes a part of that.

What it is
----------
`numpy.einsum(…)` without `optimize=`, or `torch.einsum(…)` of three operands and more without the package `opt_einsum`.

Why it is slow
--------------
NumPy then goes through all combinations of all indices in one loop of its own: for `ij,jk,kl->il` as many as the
product of four lengths, where two matrix products need the sum of two products of three. Of two operands too it does
not call the matrix library, which is many times as fast. PyTorch takes the operands from left to right, however large
what it makes of them becomes.

How it shows
------------
The time of such calls, by their place, and what the planned order takes, tried there with the same operands; costs in
multiplications are NumPy's own counts (`numpy.einsum_path`). The thresholds: 1 % of the time, below which a recording's
noise is larger, and three quarters of the call's time left by the plan at most. PyTorch's calls are looked at from
100,000 multiplications on, with operands in the processor's memory; of three operands and more the plan also needs at
most half of the multiplications. What must remain is what the plan took; where the recording cannot be trusted, the
calls' own time still counts, and nothing is promised. Source: Smith and Gray, *opt_einsum* (JOSS 2018), whose counts
and orders NumPy has.

When it does not matter
-----------------------
For small operands, where finding the order takes longer than the product. For two operands with nothing summed up.

Risk
----
Sums are made in another order, so answers differ in the last digits. What is made in between takes memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from unslow.core.facts import Facts
from unslow.core.finding import Evidence, EvidenceValue, Finding, Habit
from unslow.core.script import Noted
from unslow.core.units import seconds
from unslow.core.units import share as show_share
from unslow.habits._script import mean_step_s
from unslow.habits._shares import LEAST_SHARE, is_empty

NAME = "einsum-unplanned"
MOST_LEFT, FEWER = 0.75, 2.0
ADVICE = {
    "numpy": "Give it optimize=True; where it is called often with the same shapes, plan once: "
    "path = numpy.einsum_path(expression, *operands, optimize='optimal')[0], then optimize=path.",
    "torch": "Install opt_einsum, which torch.einsum then plans with by itself; or contract two operands at a time, in "
    "the order that numpy.einsum_path gives.",
}


def detect(evidence: Evidence) -> Iterator[Finding]:
    """One finding, at the call that takes longest."""
    calls, times = _calls(evidence.facts)
    slow = [call for call in calls if call.times_in_steps and _left(call) <= MOST_LEFT]
    step_s = mean_step_s(evidence)
    if not slow or step_s <= 0:
        return
    taken_s = sum(call.seconds_in_steps for call in slow)
    share = min(1.0, taken_s / times / step_s)
    if share < LEAST_SHARE:
        return
    longest = max(slow, key=lambda call: call.seconds_in_steps)
    details = longest.details
    left = sum(call.seconds_in_steps * _left(call) for call in slow) / taken_s
    each_s = longest.seconds_in_steps / longest.times_in_steps
    title = (
        f"{show_share(share)} of the time is {details['library']}.einsum without a plan: {details['expression']} takes "
        f"{seconds(each_s)}, {seconds(details['planned_seconds'])} in the best order."
    )
    numbers: dict[str, EvidenceValue] = {
        "expression": str(details["expression"]),
        "seconds_per_call": each_s,
        "planned_seconds_per_call": float(details["planned_seconds"]),
        "multiplications": float(details["multiplications"]),
        "planned_multiplications": float(details["planned"]),
        "order": " ".join(str(tuple(pair)) for pair in details["order"]),
        "places": len(slow),
    }
    floor = None if is_empty(evidence.profile) else min(1.0, left)
    yield Finding(NAME, title, share, floor, numbers, str(longest.site), ADVICE[details["library"]])


def _calls(facts: Facts) -> tuple[Sequence[Noted], int]:
    """The calls that were noted, and in how many steps or requests."""
    if facts.script is not None:
        return facts.script.of_kind("einsum"), facts.script.noted_steps
    return [call for call in facts.noted if call.kind == "einsum"], max(1, facts.noted_requests)


def _left(call: Noted) -> float:
    """What the plan leaves of the call's time; 1 where it was not tried, or promises too little."""
    details = call.details
    if not details["tried_seconds"] or (details["library"] == "torch" and _saved(call) < FEWER):
        return 1.0
    return float(details["planned_seconds"]) / float(details["tried_seconds"])


def _saved(call: Noted) -> float:
    planned = float(call.details["planned"])
    return float(call.details["multiplications"]) / planned if planned else 1.0


HABIT = Habit(name=NAME, area="host", detect=detect, advice_only=True)
