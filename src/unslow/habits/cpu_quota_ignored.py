"""A container may use a few cores' worth of time, and the libraries in it start threads for every core of the host.

What it is
----------
A container's processor quota (`cpu.max` in its cgroup) limits time, not cores: inside, all cores of the host are
seen. Most libraries count those and start as many threads.

Why it is slow
--------------
With 64 threads and a quota of 2 cores, the time that the quota grants for each 100 ms is used up within 3 ms; then
the kernel stops the whole container until the next period begins. Requests take 100 ms by chance, and the threads get
in each other's way meanwhile.

How it shows
------------
The quota is smaller than the number of logical cores, and a computing pool has more threads than the quota, rounded up.
Both are facts of the system; at least 1 % of the time must be computing. Source: PyTorch's tuning guide (no more
threads than cores), with the quota in the place of the cores. At stake is the category `compute`; what must remain is
the micro-benchmark "right/oversubscribed:matmul" of this machine.

When it does not matter
-----------------------
When the work runs on one thread anyway, or on an accelerator.

Risk
----
None for the answers, apart from the last digits where sums are split in another way. If the quota is raised later,
the number of threads has to be raised too.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from unslow.core.finding import Evidence, EvidenceValue, Finding, Habit
from unslow.core.units import share as show_share
from unslow.habits._floors import bounded
from unslow.habits._pools import ONE_CORE, cores_used, largest_pool
from unslow.habits._shares import LEAST_SHARE, is_empty

NAME = "cpu-quota-ignored"
FLOOR = "right/oversubscribed:matmul"
_ADVICE = "Set the threads to the quota, rounded up: OMP_NUM_THREADS, or the library's own setting."


def detect(evidence: Evidence) -> Iterator[Finding]:
    """One finding, if a quota below the logical cores meets a computing pool that is larger than the quota."""
    profile, machine = evidence.profile, evidence.machine
    pool, quota = largest_pool(evidence.facts), machine.cpu_quota
    if pool is None or quota is None or quota >= machine.logical_cores or pool.threads <= math.ceil(quota):
        return
    used = cores_used(evidence.facts)
    if used is not None and used <= ONE_CORE and quota > ONE_CORE:  # With less, one core is all that many can use.
        return
    at_stake = 1.0 if is_empty(profile) else min(1.0, profile.shares["compute"])
    if at_stake < LEAST_SHARE:
        return
    numbers: dict[str, EvidenceValue] = {
        "quota_cores": quota,
        "logical_cores": machine.logical_cores,
        "pool": pool.name,
        "pool_threads": pool.threads,
    }
    if used is not None:
        numbers["cores_used"] = round(used, 2)
    measured = None if is_empty(profile) else machine.floors.get(FLOOR)
    title = f"The quota grants {quota:.3g} cores, and {pool.name} runs {pool.threads} threads"
    title += "." if is_empty(profile) else f", in computing that takes {show_share(at_stake)} of the time."
    yield Finding(NAME, title, at_stake, None if measured is None else bounded(measured), numbers, advice=_ADVICE)


HABIT = Habit(name=NAME, area="host", detect=detect)
