from __future__ import annotations

import pytest

from handmade import EMPTY, evidence, facts, found, machine, op, step, the
from unslow.core.facts import Facts, ThreadPool
from unslow.habits.cpu_quota_ignored import FLOOR, HABIT

STEP = step(op("aten::addmm", 80))
LIMITED = machine(cores=2, logical_cores=64, cpu_quota=1.5, floors={FLOOR: 0.5})


def pool(threads: int, name: str = "openmp", cores_used: float = 1.5) -> Facts:
    return facts(thread_pools=(ThreadPool(name, threads),), cpu_seconds_per_request=cores_used * 100e-6)


def test_no_quota_is_nothing_to_ignore() -> None:
    assert not found(HABIT, evidence(STEP, pool(64), machine(cores=2, logical_cores=64)))


def test_a_quota_as_large_as_the_machine_limits_nothing() -> None:
    assert not found(HABIT, evidence(STEP, pool(64), machine(cores=8, cpu_quota=8.0)))


def test_a_pool_that_fits_the_quota_rounded_up() -> None:
    assert not found(HABIT, evidence(STEP, pool(2), LIMITED), evidence(STEP, facts(), LIMITED))


def test_pools_that_wait_do_no_harm() -> None:
    assert not found(HABIT, evidence(STEP, pool(64, "torch-interop"), LIMITED))


def test_a_pool_that_one_thread_works_without() -> None:
    """As NumPy's is, of a script that only decodes photos; of a single core all threads share it."""
    assert not found(HABIT, evidence(STEP, pool(64, cores_used=1.0), LIMITED))
    one = machine(cores=1, logical_cores=64, cpu_quota=1.0, floors={FLOOR: 0.5})
    assert found(HABIT, evidence(STEP, pool(64, cores_used=1.0), one))


def test_a_pool_for_every_core_of_the_host() -> None:
    finding = the(HABIT, evidence(STEP, pool(64), LIMITED))
    assert finding.share == pytest.approx(0.8)
    assert finding.floor == 0.5
    assert finding.title.startswith("The quota grants 1.5 cores, and openmp runs 64 threads")


def test_the_fact_alone_is_enough() -> None:
    assert the(HABIT, evidence(EMPTY, pool(64), LIMITED)).ceiling is None
