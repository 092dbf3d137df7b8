"""A loop of Python goes over rows or numbers one by one, where one operation could take them all.

What it is
----------
`for row in frame.itertuples()`, `frame.apply(f, axis=1)`, `for i in range(len(x)): y[i] = …`, rows of a CSV file
taken apart by hand, inside the step.

Why it is slow
--------------
Each row makes Python objects and passes through the interpreter: some microseconds, where an array operation takes
nanoseconds.

How it shows
------------
Samples of the stack in each step. Where they lie in pandas' own row functions, 3 % of the step in all lines of the
script's (the one that takes most is named); else, where one function of the script's own runs Python itself (calls into
libraries not counted, and 10 µs taken off for each operator of PyTorch that it may have started) for 15 % of the step
and for 200 µs of each: some hundreds of lines run then, which is a loop. Calls of NumPy's count as Python where their
line runs ten times a step and takes less than 20 µs each (100 µs with fewer than 10,000 numbers): a call of a
microsecond computes next to nothing. How much must remain is not known: the finding is not scored. Source of the
thresholds: xprof's input-pipeline analysis, which calls Python's residual moderate from 3 % and high from 15 % on.

When it does not matter
-----------------------
When it runs once, before the steps.

Risk
----
An array operation takes memory for all rows at once, and may sum in another order.
"""

from __future__ import annotations

from collections.abc import Iterator

from unslow.core.finding import Evidence, EvidenceValue, Finding, Habit
from unslow.core.units import seconds
from unslow.core.units import share as show_share
from unslow.habits._loops import longest_loop, step_seconds

NAME = "row-by-row-python"
ADVICE = "Take all rows at once: operations on whole columns or arrays, numpy.where, indexing by an array."


def detect(evidence: Evidence) -> Iterator[Finding]:
    """One finding: pandas' row functions where they are seen, else the loop that takes longest."""
    loop, step_s = longest_loop(evidence), step_seconds(evidence.profile)
    if loop is None:
        return
    numbers: dict[str, EvidenceValue] = {"python_share": loop.share, "s_per_step": loop.share * step_s}
    title = f"{show_share(loop.share)} of a step ({seconds(loop.share * step_s)}) is {loop.what}, at {loop.line}."
    yield Finding(NAME, title, loop.share, None, numbers, loop.line, ADVICE)


HABIT = Habit(name=NAME, area="host", detect=detect, advice_only=True)
