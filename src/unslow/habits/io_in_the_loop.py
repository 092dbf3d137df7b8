"""Every step writes: a checkpoint, a line on the screen, a log.

What it is
----------
`torch.save`, `numpy.save`, `print`, a logger (also TensorBoard's, Weights & Biases' and MLflow's) or `os.fsync` is
called inside the loop, in each step or in most of them.

Why it is slow
--------------
A checkpoint copies and writes the whole model, while nothing is computed. A line on the screen waits for whoever reads
it, and for the value that it shows.

How it shows
------------
The part of the wall time inside calls that write a checkpoint, print or log, by the place of the call, with the values
and states that are asked for among their arguments. The threshold is 1 % of the wall time, below which a recording's
noise is larger. Nothing need remain: what is written once a minute costs nothing measurable; the rest of
the step counts as what it may be without (see `explain decoding-repeated`); what forces a file to the disk puts the
thread to sleep, and what follows takes up to 0.1 ms longer. Source: the calls themselves, timed.

When it does not matter
-----------------------
When steps take seconds. When each checkpoint is needed.

Risk
----
Writing less often loses more after a crash.
"""

from __future__ import annotations

from collections.abc import Iterator

from unslow.core.finding import Evidence, Finding, Habit
from unslow.core.script import FORCING
from unslow.core.units import seconds, times
from unslow.core.units import share as show_share
from unslow.habits._shares import LEAST_SHARE, LONG_WAIT, is_empty, rest_at_best

NAME = "io-in-the-loop"
EMPTIED = 0.87
"""Of what follows a long checkpoint, beside what any long waste leaves cold: all that the model and its optimizer hold
has just passed through the caches, on its way elsewhere. Source: a network of a million weights, and AdamW, of which
each step is saved for 64 % of its time: without that it takes 0.66 of the rest, where other wastes leave 0.76."""


def detect(evidence: Evidence) -> Iterator[Finding]:
    """One finding, at the call that takes longest."""
    script = evidence.facts.script
    share = 0.0 if is_empty(evidence.profile) else evidence.profile.shares["io"]
    if script is None or not script.written or share < LEAST_SHARE:
        return
    longest = max(script.written, key=lambda written: written.seconds_per_step)
    title = (
        f"{show_share(share)} of a step goes into writing; most of it is a {longest.kind} "
        f"({seconds(longest.seconds_per_step)} a step, {times(longest.calls_per_step)} of them a step)."
    )
    numbers = {
        f"{written.kind}_s_per_step_line_{written.site.line}": written.seconds_per_step for written in script.written
    }
    advice = "Write every so many steps or seconds, and in the background."
    forced = sum(written.calls_per_step for written in script.written if written.call in FORCING)
    at_best = rest_at_best(evidence.profile, "io", forced)
    if longest.kind == "checkpoint" and share >= LONG_WAIT:
        at_best *= EMPTIED
    yield Finding(NAME, title, share, 0.0, numbers, str(longest.site), advice, at_best)


HABIT = Habit(name=NAME, area="host", detect=detect)
