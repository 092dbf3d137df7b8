"""Gradients are filled with zeros between steps, where they could be dropped.

What it is
----------
`optimizer.zero_grad(set_to_none=False)`, which was the default before PyTorch 2.0.

Why it is slow
--------------
Every gradient is written once more, and backward has to read it to add to it.

How it shows
------------
The part of the wall time inside `zero_grad(set_to_none=False)`, and that of additions in place (`aten::add_`) within
backward, where operators were recorded: what is dropped need not be added to. (Where a network joins branches, backward
adds too, so that this is the most that can be had.) The threshold is 1 % of the step. Nothing need remain; the rest of
the step counts as what it may be without (see `explain decoding-repeated`). Source: PyTorch's performance tuning guide.

When it does not matter
-----------------------
When gradients are small beside what is computed.

Risk
----
None of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from unslow.core.finding import Evidence, Finding, Habit
from unslow.core.units import share as show_share
from unslow.habits._devices import the_device
from unslow.habits._models import accumulating
from unslow.habits._script import phase_share
from unslow.habits._shares import LEAST_SHARE, is_empty, rest_without

NAME = "gradients-zeroed-by-fill"
FILLS = ("aten::zero_", "aten::fill_")
COLD_TOO, AT_MOST = 0.6, 0.07
"""What follows takes less by up to so much of that time, and by no more of its own: all gradients have passed through
the caches. Source: tables of 38 MB, of which filling and adding are 0.11 to 0.16 of a step, that is 1.2 to 1.24 times
as fast without."""
LEAST_FILLS = 10
"""Of a step: fewer are no gradients."""


def detect(evidence: Evidence) -> Iterator[Finding]:
    """One finding, at the first call that fills."""
    if evidence.profile.devices:
        yield from _recorded(evidence)
        return
    script = evidence.facts.script
    filled = script.of_kind("fill") if script is not None else ()
    share = phase_share(evidence, "zero-grad")
    if not filled or share < LEAST_SHARE:
        return
    added = evidence.profile.share_of(accumulating(evidence.profile))
    share = min(1.0, share + added)
    title = f"{show_share(share)} of a step fills gradients with zeros, and adds to them in backward."
    numbers = {"zero_grad_share": share - added, "added_to_share": added, "calls": len(filled)}
    at_best = min(rest_without(evidence.profile, share), 1 - min(AT_MOST, COLD_TOO * share))
    advice = "Call zero_grad(set_to_none=True)."
    yield Finding(NAME, title, share, 0.0, numbers, str(filled[0].site), advice, at_best)


def _recorded(evidence: Evidence) -> Iterator[Finding]:
    """Of a recording with a device: fills that `zero_grad` has launched, as many as a model has parameters."""
    profile = evidence.profile
    if is_empty(profile):
        return
    fills = {place for place, span in enumerate(profile.spans) if _fills_gradients(span.details)}
    device = the_device(evidence)
    filled = [one.details for one in device.activities if _fills(one.details)] if device is not None else []
    number = sum(map(_fills_gradients, filled))
    host = {place for place, span in enumerate(profile.spans) if "zero_grad" in span.name}
    per_step = number / len(profile.steps)
    share = profile.share_of(fills | host)
    if per_step < LEAST_FILLS or not host or share < LEAST_SHARE:
        return
    title = f"{show_share(share)} of a step fills gradients with zeros: some {per_step:.0f} fills in each step."
    numbers = {"zero_grad_share": share, "fills": len(filled), "fills_in_zero_grad": number}
    yield Finding(NAME, title, share, 0.0, numbers, advice="Call zero_grad(set_to_none=True).")


def _fills(details: Mapping[str, Any]) -> bool:
    return str(details.get("op")) in FILLS


def _fills_gradients(details: Mapping[str, Any]) -> bool:
    return _fills(details) and details.get("within") == "zero_grad"


HABIT = Habit(name=NAME, area="device", detect=detect)
