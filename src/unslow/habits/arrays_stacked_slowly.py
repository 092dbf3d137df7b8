"""A tensor is made of a list of NumPy arrays, number by number.

What it is
----------
`torch.tensor([array, array, …])` or `torch.as_tensor` of such a list.

Why it is slow
--------------
PyTorch takes the list for one of lists, and asks each array for each of its numbers as a Python object. Copying the
arrays into one takes a small part of that.

How it shows
------------
The time of such calls, by the place of the call. The threshold is 1 % of the step, below which a recording's noise is
larger. What must remain is copying the bytes, at 10 GB/s what fits into a core's cache and at 2 GB/s what is larger;
the rest of the step counts as what it may be without (see `explain decoding-repeated`): it finds the caches full now.
Source: PyTorch itself, which warns that this is "extremely slow".

When it does not matter
-----------------------
For a few small arrays. In loader workers that are faster than the step.

Risk
----
None of its own.
"""

from __future__ import annotations

from collections.abc import Iterator

from unslow.core.finding import Evidence, Finding, Habit
from unslow.core.units import seconds
from unslow.core.units import share as show_share
from unslow.habits._script import least_copied_s, mean_step_s, per_step
from unslow.habits._shares import LEAST_SHARE, is_empty, rest_without

NAME = "arrays-stacked-slowly"


def detect(evidence: Evidence) -> Iterator[Finding]:
    """One finding, at the call that takes longest."""
    script, step_s = evidence.facts.script, mean_step_s(evidence)
    stacked = [noted for noted in script.of_kind("arrays") if noted.times_in_steps] if script is not None else []
    if script is None or not stacked or step_s <= 0 or is_empty(evidence.profile):
        return
    taken_s = sum(noted.seconds_in_steps for noted in stacked)
    share = min(1.0, per_step(taken_s, script) / step_s)
    if share < LEAST_SHARE:
        return
    copied_s = sum(least_copied_s(noted.details["bytes"]) * noted.times_in_steps for noted in stacked)
    longest = max(stacked, key=lambda noted: noted.seconds_in_steps)
    each_s = longest.seconds_in_steps / longest.times_in_steps
    title = (
        f"{show_share(share)} of a step makes tensors of lists of arrays, number by number "
        f"({seconds(each_s)} a call of torch.{longest.details['call']})."
    )
    numbers = {"seconds_per_call": each_s, "bytes_per_call": longest.details["bytes"], "places": len(stacked)}
    advice = "Make one array of the list first: torch.tensor(numpy.asarray(arrays))."
    floor, at_best = min(1.0, copied_s / taken_s), rest_without(evidence.profile, share)
    yield Finding(NAME, title, share, floor, numbers, str(longest.site), advice, at_best)


HABIT = Habit(name=NAME, area="host", detect=detect)
