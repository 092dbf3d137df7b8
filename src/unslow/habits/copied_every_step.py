"""The same numbers are copied to the device again in every step.

What it is
----------
A tensor that never changes (class weights, a mask, a table of positions) lies in the processor's memory, and
`.to(device)` stands inside the loop.

Why it is slow
--------------
Each copy waits for the bus, and mostly for all that the device has been given to do before.

How it shows
------------
The time inside copies from the processor's memory, in at least every second step, whose content was the same each time
(by a checksum, of at least four copies, the first sixteen at most, of 16 MB or less). The threshold is 1 % of the step.
Nothing need remain: it can stay on the device. Source: the copies themselves, timed and compared; NVIDIA's and
PyTorch's guides say to keep data on the device. Only a live run shows it: a recording does not say that the same data
came again.

When it does not matter
-----------------------
When the tensor changes rarely but does: then it must be copied again.

Risk
----
The copy takes the device's memory all the time.
"""

from __future__ import annotations

from collections.abc import Iterator

from unslow.core.finding import Evidence, Finding, Habit
from unslow.core.units import share as show_share
from unslow.core.units import size
from unslow.habits._copies import frequent_copies, is_always_the_same, share_of
from unslow.habits._shares import LEAST_SHARE, is_empty

NAME = "copied-every-step"


def detect(evidence: Evidence) -> Iterator[Finding]:
    """One finding, at the copy that takes longest."""
    script = evidence.facts.script
    copies = [copy for copy in frequent_copies(script) if is_always_the_same(copy)] if script is not None else []
    if script is None or not copies:
        return
    share = share_of(copies, evidence, script)
    if share < LEAST_SHARE:
        return
    longest = max(copies, key=lambda copy: copy.seconds_in_steps)
    details = longest.details
    title = f"{show_share(share)} of a step copies the same {size(details['bytes'])} to {details['target']} again."
    numbers = {"copy_share": share, "bytes": details["bytes"], "places": len(copies)}
    advice = "Copy it once, before the loop."
    floor = None if is_empty(evidence.profile) else 0.0
    yield Finding(NAME, title, share, floor, numbers, str(longest.site), advice)


HABIT = Habit(name=NAME, area="device", detect=detect)
