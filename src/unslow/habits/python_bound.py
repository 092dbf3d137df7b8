"""The processor is busy running Python and starting operators, not computing.

What it is
----------
A request passes through Python code: modules call modules, loops run over items, and each operator is looked up and
started. Here that takes a large part of the time.

Why it is slow
--------------
A line of Python takes some 50 ns to a microsecond, and an operator of PyTorch one to several microseconds before it
computes anything. Python runs on one core, whatever the machine has.

How it shows
------------
The category `framework` together with what operators cost before they compute (their number times what one costs
here, measured on this machine), at 15 % of the wall time or more. Source of the threshold: the input-pipeline
analysis of xprof calls Python's residual high from 15 % on, moderate from 3 %. Of a
script, a loop that `row-by-row-python` names is left to it, and so is what makes tensors of lists of arrays or loads
a model again: what else there is must be as much. For a
model of PyTorch's what must remain is the micro-benchmark "graph/eager:dispatch"; for a script, and any other code,
nobody knows it, and the finding is unbounded. Of a script that ended before its stack was sampled it says nothing.

When it does not matter
-----------------------
When requests are large: the same Python then starts operators that run for milliseconds. When an accelerator works on
while Python runs ahead of it.

Risk
----
Compiling or exporting the model freezes its Python: branches that depend on values, and side effects such as logging,
are taken as they were once. Vectorised loops need more memory.
"""

from __future__ import annotations

from collections.abc import Iterator

from unslow.core.finding import Evidence, EvidenceValue, Finding, Habit
from unslow.core.profile import Profile, Span
from unslow.core.units import share as show_share
from unslow.habits._floors import bounded
from unslow.habits._loops import longest_loop, python_share_of_others
from unslow.habits._shares import host_share, is_empty, operators_per_request

NAME = "python-bound"
FLOOR = "graph/eager:dispatch"
HIGH_SHARE = 0.15


def detect(evidence: Evidence) -> Iterator[Finding]:
    """One finding, if Python and starting operators take a large part of the time."""
    profile, facts = evidence.profile, evidence.facts
    if is_empty(profile) or profile.devices:  # A device that waits for Python is another habit.
        return
    if facts.framework == "script" and not any(map(_says_what_ran, profile.spans)):
        return
    at_stake = host_share(evidence)
    loop = longest_loop(evidence) if facts.script is not None else None
    at_stake -= loop.share if loop is not None else 0.0  # A loop over rows is another habit.
    at_stake -= python_share_of_others(evidence)
    if at_stake < HIGH_SHARE:
        return
    numbers: dict[str, EvidenceValue] = {
        "framework_share": profile.shares["framework"],
        "host_share": at_stake,
        "operators_per_request": round(operators_per_request(profile), 1),
        "dispatch_us_per_operator": round(facts.dispatch_seconds * 1e6, 2),
    }
    floor = evidence.machine.floors.get(FLOOR) if facts.framework in ("torch", "exported") else None
    name, site = busiest_line(profile)
    if site:
        numbers["busiest_function"] = name
    title = f"{show_share(at_stake)} of the time goes to Python and to starting operators, not to computing."
    advice = "Move loops over items into array operations; compile or export the model, so that no Python runs in it."
    yield Finding(NAME, title, at_stake, None if floor is None else bounded(floor), numbers, site=site, advice=advice)


def _says_what_ran(span: Span) -> bool:
    """A script that has ended before its stack was sampled shows steps and phases alone."""
    return bool(span.details.get("sampled") or span.details.get("op"))


def busiest_line(profile: Profile) -> tuple[str, str]:
    """Name and "file.py:12" of the place in Python with the longest own time; empty where the recording names none."""
    own_ns: dict[tuple[str, str], int] = {}
    for span, own in zip(profile.spans, profile.own_ns, strict=True):
        file = span.details.get("file")
        if span.category == "framework" and file:
            place = f"{file}:{span.details['line']}" if span.details.get("line") else str(file)
            own_ns[span.name, place] = own_ns.get((span.name, place), 0) + own
    return max(own_ns, key=lambda key: own_ns[key], default=("", ""))


HABIT = Habit(name=NAME, area="host", detect=detect)
