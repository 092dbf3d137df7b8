"""More threads compute at the same time than there are cores to run them.

What it is
----------
Libraries such as OpenMP, BLAS or ONNX Runtime start a pool of threads for their loops. Here one pool alone is larger
than the number of cores that this process may use.

Why it is slow
--------------
Each loop ends when its last thread ends. With more threads than cores some must wait for a turn, while the others
spin and burn the very cores that the late ones wait for. Each change of threads also empties part of the caches.

How it shows
------------
The largest computing pool has more threads than the cores that can be used (the least of what is there, affinity and
quota), and the process keeps more than one core busy. Pools that take turns are not added up: four pools of the right
size do no harm. Source: PyTorch's tuning guide (threads times workers above cores). At stake is the category
`compute`. What must remain is not known: how long threads spin, and for what, differs from one library and one operator
to the next (seen are gains between a third and 1.6 times of what a product of matrices gives). The micro-benchmark
"right/oversubscribed:matmul" of this machine is told, and where it shows no loss, none is promised. Where a container's
quota is the cause, `cpu-quota-ignored` speaks instead. On ONNX Runtime, whose threads spin while they wait, also a
request of less than 2 ms that keeps more than one and a half cores busy: waking threads takes microseconds at each of
its operators.

When it does not matter
-----------------------
When the operators are so small that the library runs them on one thread anyway. When the extra threads sleep, as
those of a loader do that waits for files.

Risk
----
None for the answers, apart from the last digits where sums are split in another way. Too few threads leave cores
idle.
"""

from __future__ import annotations

from collections.abc import Iterator

from unslow.core.facts import Facts, ThreadPool
from unslow.core.finding import Evidence, EvidenceValue, Finding, Habit
from unslow.core.machine import Machine
from unslow.core.units import seconds
from unslow.core.units import share as show_share
from unslow.habits._pools import ONE_CORE, cores_used, largest_pool
from unslow.habits._shares import LEAST_SHARE, is_empty

NAME = "threads-oversubscribed"
FLOOR = "right/oversubscribed:matmul"
SMALL_REQUEST_S, SEVERAL_CORES = 0.002, 1.5
_ADVICE = "Set the threads to the number of cores, in one place: OMP_NUM_THREADS, or the library's own setting."


def detect(evidence: Evidence) -> Iterator[Finding]:
    """One finding, if a computing pool is larger than the cores, and more than one of its threads works."""
    profile, facts, machine = evidence.profile, evidence.facts, evidence.machine
    pool, used = largest_pool(facts), cores_used(facts)
    if facts.framework == "onnx" and used is not None and _too_small(facts, used):
        yield _of_a_small_request(facts, used)
        return
    if pool is None or pool.threads <= machine.cores or _quota_explains(pool, machine):
        return
    if used is not None and used <= ONE_CORE and machine.cores > 1:
        return
    numbers: dict[str, EvidenceValue] = {"pool": pool.name, "pool_threads": pool.threads, "cores": machine.cores}
    if used is not None:
        numbers["cores_used"] = round(used, 2)
    at_stake = 1.0 if is_empty(profile) else min(1.0, profile.shares["compute"])
    if at_stake < LEAST_SHARE:
        return
    measured = None if is_empty(profile) else machine.floors.get(FLOOR)
    if measured is not None:
        numbers["right_to_oversubscribed_time_ratio"] = measured
    title = f"{pool.threads} threads of {pool.name} share {machine.cores} cores"
    title += "." if is_empty(profile) else f", in computing that takes {show_share(at_stake)} of the time."
    yield Finding(
        NAME, title, at_stake, 1.0 if measured is not None and measured >= 1 else None, numbers, advice=_ADVICE
    )


def _too_small(facts: Facts, used: float) -> bool:
    return facts.seconds_per_request < SMALL_REQUEST_S and used > SEVERAL_CORES


def _of_a_small_request(facts: Facts, used: float) -> Finding:
    title = (
        f"A request takes {seconds(facts.seconds_per_request)} and keeps {used:.1f} cores busy: its operators are too "
        "small to be worth waking threads for."
    )
    numbers = {"seconds_per_request": facts.seconds_per_request, "cores_used": round(used, 2)}
    return Finding(NAME, title, 1 - 1 / used, None, numbers, advice=_ADVICE)


def _quota_explains(pool: ThreadPool, machine: Machine) -> bool:
    """Whether the pool fits the cores that are there, and only a container's quota makes it too large."""
    limited = machine.cpu_quota is not None and machine.cpu_quota < machine.logical_cores
    return limited and pool.threads <= machine.logical_cores


HABIT = Habit(name=NAME, area="host", detect=detect)
