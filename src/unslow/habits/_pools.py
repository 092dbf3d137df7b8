"""The thread pools of a process: which of them compute, and how many cores are really used."""

from __future__ import annotations

from unslow.core.facts import Facts, ThreadPool

# These pools wait for work that a request seldom gives them; their size alone slows nothing.
_IDLE_POOLS = frozenset({"torch-interop"})


ONE_CORE = 1.05
"""A process with one busy thread may measure slightly above 1."""
BLAS = frozenset({"openblas", "mkl", "blis", "flexiblas"})
"""Pools that NumPy's products of matrices run on, by threadpoolctl's names."""


def largest_pool(facts: Facts) -> ThreadPool | None:
    """The computing pool with the most threads; None if the survey saw none."""
    computing = [pool for pool in facts.thread_pools if pool.name not in _IDLE_POOLS]
    return max(computing, key=lambda pool: pool.threads, default=None)


def cores_used(facts: Facts) -> float | None:
    """Processor seconds per second of a request: how many cores it keeps busy on average; None if not measured."""
    if facts.seconds_per_request <= 0 or facts.cpu_seconds_per_request <= 0:
        return None
    return facts.cpu_seconds_per_request / facts.seconds_per_request
