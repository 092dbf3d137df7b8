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
Samples of the stack in each step. Where they lie in pandas' own row functions, called from one line of the script's,
3 % of the step; else, where one function of the script's own runs Python itself (calls into libraries not counted, and
10 µs taken off for each operator of PyTorch that it may have started) for 15 % of the step and for 200 µs of each: some
hundreds of lines run then, which is a loop. How much must remain is not known: the finding is not scored. Source of
the thresholds: xprof's input-pipeline analysis, which calls Python's residual moderate from 3 % and high from 15 % on.

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
from unslow.core.profile import Profile
from unslow.core.units import seconds
from unslow.core.units import share as show_share
from unslow.habits._sampled import Sampled, sampled, shares_by

NAME = "row-by-row-python"
LEAST_ROWS, LEAST_LOOP = 0.03, 0.15
LEAST_LOOP_S, OPERATOR_S = 200e-6, 10e-6
ROW_FUNCTIONS = frozenset({"iterrows", "itertuples", "apply", "applymap", "apply_standard", "apply_series_generator"})
MODEL = frozenset({"forward", "backward", "optimizer", "zero-grad"})
ADVICE = "Take all rows at once: operations on whole columns or arrays, numpy.where, indexing by an array."


def detect(evidence: Evidence) -> Iterator[Finding]:
    """One finding: pandas' row functions where they are seen, else the loop that takes longest."""
    profile = evidence.profile
    step_s = profile.wall_ns / 1e9 / max(1, len(profile.steps))
    found = [one for one in sampled(profile) if one.phase not in MODEL]
    rows = shares_by((one for one in found if _in_pandas(one)), lambda one: one.line)
    if rows and sum(rows.values()) >= LEAST_ROWS:
        yield _finding(next(iter(rows)), sum(rows.values()), step_s, "pandas giving rows one by one")
        return
    own = [one for one in found if _is_own_python(one)]
    functions = shares_by(iter(own), lambda one: one.function)
    if not functions or step_s <= 0:
        return
    function = next(iter(functions))
    share = functions[function] - _operators(profile) * OPERATOR_S / step_s
    if share >= LEAST_LOOP and share * step_s >= LEAST_LOOP_S:
        lines = shares_by((one for one in own if one.function == function), lambda one: one.line)
        name = function.rpartition(" ")[2]
        yield _finding(next(iter(lines)), min(1.0, share), step_s, f"a loop of Python in {name}")


def _finding(line: str, share: float, step_s: float, what: str) -> Finding:
    numbers: dict[str, EvidenceValue] = {"python_share": share, "s_per_step": share * step_s}
    title = f"{show_share(share)} of a step ({seconds(share * step_s)}) is {what}, at {line}."
    return Finding(NAME, title, min(1.0, share), None, numbers, line, ADVICE)


def _in_pandas(one: Sampled) -> bool:
    frames = [frame.rpartition(" ") for frame in one.stack]
    return any("pandas/" in place and function in ROW_FUNCTIONS for place, _, function in frames)


def _is_own_python(one: Sampled) -> bool:
    """Python itself, in a function of the script's own (not in a library that it calls)."""
    return one.span.category == "framework" and bool(one.stack) and one.stack[-1].startswith(f"{one.line} ")


def _operators(profile: Profile) -> float:
    """How many operators a step starts outside of the model."""
    phases: list[str] = []
    count = 0.0
    for span in profile.spans:
        phases.append(str(span.details.get("phase") or (phases[span.parent] if span.parent >= 0 else "")))
        count += span.calls if span.details.get("op") and phases[-1] not in MODEL else 0.0
    return count / max(1, len(profile.steps))


HABIT = Habit(name=NAME, detect=detect, advice_only=True)
