"""The work keeps few of the cores busy, though computing is what takes the time.

What it is
----------
A request computes on one thread, or on a few, while other cores of this machine that it may use have nothing to do.

Why it is slow
--------------
Large matrix products and convolutions can be split over cores, and different requests can be answered side by side.
With one of two cores in use, up to half of the machine is wasted.

How it shows
------------
Processor seconds per second of a request: how many cores it keeps busy. With what other programs keep busy meanwhile
(the system's own counters), below three quarters of the cores that can be used, with at least half of the time in
`compute`. Source of the threshold: between TensorBoard's profiler (a device less than 50 % used) and TraceLens (more
than 15 % idle); a quarter leaves room for what the counters miss. What must remain is the part that is used now of the
cores that other programs leave, one core at the least: perfect scaling, which is the most that can be had. Of a script
it is the cores used in the part that could be split: what else it computes keeps one busy. A script's operators of less
than 20 µs do not count: PyTorch splits arrays of 32768 numbers and more. Nor do products in bfloat16 that the processor
imitates: their reference code runs on one thread, whatever is set. NumPy's own calls count only where the library of
its products has fewer threads than there are cores: its other operations run on one core whatever is set.

When it does not matter
-----------------------
When the other cores are wanted for something else, such as more copies of the same service. When requests are so
small (below some 0.1 ms) that handing work to another thread takes longer than doing it.

Risk
----
None for the answers, apart from the last digits where sums are split in another way. Other programs on the machine
get less.
"""

from __future__ import annotations

from collections.abc import Iterator

from unslow.core.finding import Evidence, EvidenceValue, Finding, Habit
from unslow.core.profile import Span
from unslow.habits._floors import bounded
from unslow.habits._imitated import is_imitated
from unslow.habits._pools import BLAS, cores_used, largest_pool
from unslow.habits._sampled import Sampled, sampled
from unslow.habits._shares import by_name, is_empty

NAME = "cores-idle"
WELL_USED = 0.75
MOSTLY_COMPUTING = 0.5
BRIEF_NS = 20_000
"""Of an operator: OpenMP takes some microseconds to hand out its parts and to gather them."""


def detect(evidence: Evidence) -> Iterator[Finding]:
    """One finding, if computing takes most of the time on clearly fewer cores than there are."""
    profile, cores, used = evidence.profile, evidence.machine.cores, cores_used(evidence.facts)
    taken = evidence.facts.cores_taken
    if is_empty(profile) or used is None or cores < 2 or used + taken >= WELL_USED * cores:
        return
    computing = _computing(evidence)
    if computing < MOSTLY_COMPUTING:
        return
    used = _used_in(evidence, computing, used)
    if used + taken >= WELL_USED * cores:
        return
    numbers: dict[str, EvidenceValue] = {"cores_used": round(used, 2), "cores": cores, "compute_share": computing}
    pool = largest_pool(evidence.facts)
    if pool is not None:
        numbers |= {"pool": pool.name, "pool_threads": pool.threads}
    title = f"{used:.1f} of {cores} cores are busy on average, while computing takes most of the time."
    advice = "Give the library as many threads as there are cores, or answer several requests at a time."
    yield Finding(NAME, title, computing, bounded(max(1.0, used) / max(1.0, cores - taken)), numbers, advice=advice)


def _computing(evidence: Evidence) -> float:
    """The part of the wall time that could be split over cores. Requests can be answered side by side; a script's steps
    cannot: of them count operators that are not too brief, and the calls of libraries that have threads."""
    profile = evidence.profile
    share = min(1.0, profile.shares["compute"])
    if evidence.facts.script is None:
        return share
    operators = by_name(profile, lambda span: "" if is_imitated(span, evidence.machine) else _operator(span))
    long_ns = sum(own_ns for own_ns, calls in operators.values() if own_ns >= BRIEF_NS * calls)
    spread = sum(one.share for one in sampled(profile) if _may_be_split(one, evidence))
    return min(share, long_ns / profile.wall_ns + spread)


def _used_in(evidence: Evidence, computing: float, used: float) -> float:
    """The cores that are used in the part that could be split: what a script does beside it keeps one busy."""
    if evidence.facts.script is None:
        return used
    shares = evidence.profile.shares
    return max(0.0, used - max(0.0, shares["compute"] + shares["framework"] - computing)) / computing


def _operator(span: Span) -> str:
    is_one = span.category == "compute" and span.details.get("op")
    return f"{span.name} {span.details.get('shapes')}" if is_one else ""


def _may_be_split(one: Sampled, evidence: Evidence) -> bool:
    """Whether native code that was sampled could use more threads: NumPy's own has none but those of its products,
    PyTorch's is seen by its operators."""
    if one.span.category != "compute" or not one.stack:
        return False
    if one.is_numpys:
        return any(pool.name in BLAS and pool.threads < evidence.machine.cores for pool in evidence.facts.thread_pools)
    return not one.stack[-1].startswith("torch/")


HABIT = Habit(name=NAME, area="host", detect=detect)
