"""Autograd looks for NaN in every operation: a debugging aid that was left on.

What it is
----------
`torch.autograd.set_detect_anomaly(True)` keeps the Python stack of every operation and looks through every gradient.

Why it is slow
--------------
Formatting a stack takes longer than most operations, and each gradient is read once more.

How it shows
------------
The call that switches it on and leaves it on for the steps, with forward and backward at stake. How much of them must
remain is not known: the finding is not scored. Source: PyTorch's documentation of anomaly detection ("should be enabled
only for debugging").

When it does not matter
-----------------------
While a NaN is being looked for.

Risk
----
None of its own.
"""

from __future__ import annotations

from collections.abc import Iterator

from unslow.core.finding import Evidence, Finding, Habit
from unslow.core.units import share as show_share
from unslow.habits._script import phase_share

NAME = "debug-mode-left-on"


def detect(evidence: Evidence) -> Iterator[Finding]:
    """One finding, at the first call that switches it on."""
    script = evidence.facts.script
    noted = script.of_kind("anomaly") if script is not None else ()
    on = [one for one in noted if one.times_in_steps or not one.details.get("over")]
    if not on:
        return
    share = min(1.0, phase_share(evidence, "forward") + phase_share(evidence, "backward"))
    title = f"Autograd looks for NaN in every operation; {show_share(share)} of a step is forward and backward."
    numbers = {"forward_and_backward_share": share, "calls": len(on)}
    yield Finding(NAME, title, share, None, numbers, str(on[0].site), "Leave set_detect_anomaly(True) out.")


HABIT = Habit(name=NAME, area="host", detect=detect)
