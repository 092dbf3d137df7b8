from __future__ import annotations

import pytest

from handmade import EMPTY, evidence, facts, found, machine, op, step, the
from unslow.core.facts import Facts, ThreadPool
from unslow.core.finding import Evidence
from unslow.habits.threads_oversubscribed import FLOOR, HABIT

FLOORED = machine(cores=4, floors={FLOOR: 0.7})
STEP = step(op("aten::addmm", 80))


def pools(used: float = 4.0, **threads: int) -> Facts:
    found_pools = tuple(ThreadPool(name.replace("_", "-"), count) for name, count in threads.items())
    return facts(thread_pools=found_pools, cpu_seconds_per_request=used * 100e-6)


def test_pools_of_the_right_size_do_no_harm_together() -> None:
    assert not found(HABIT, evidence(STEP, pools(openmp=4, openblas=4, torch=4), FLOORED), evidence(STEP, on=FLOORED))


def test_a_pool_that_works_on_one_thread_does_no_harm() -> None:
    assert not found(HABIT, evidence(STEP, pools(used=1.0, openblas=64), FLOORED))


def test_a_pool_that_waits_does_no_harm() -> None:
    assert not found(HABIT, evidence(STEP, pools(torch_interop=64, openmp=4), FLOORED))


def test_a_quota_is_another_habit() -> None:
    assert not found(HABIT, evidence(STEP, pools(openmp=64), machine(cores=4, logical_cores=64, cpu_quota=4.0)))


def test_one_pool_larger_than_the_cores() -> None:
    finding = the(HABIT, evidence(STEP, pools(openmp=16, openblas=4), FLOORED))
    assert finding.share == pytest.approx(0.8)
    assert finding.floor is None and finding.evidence["right_to_oversubscribed_time_ratio"] == 0.7
    assert (finding.evidence["pool"], finding.evidence["pool_threads"], finding.evidence["cores"]) == ("openmp", 16, 4)


def test_a_machine_that_loses_nothing_by_it() -> None:
    harmless = machine(cores=4, floors={FLOOR: 1.2})
    assert the(HABIT, evidence(STEP, pools(openmp=16), harmless)).ceiling == 1


def test_more_threads_than_the_host_has_is_no_matter_of_a_quota() -> None:
    limited = machine(cores=4, logical_cores=8, cpu_quota=4.0)
    assert the(HABIT, evidence(STEP, pools(openmp=16), limited)).ceiling is None


def test_the_fact_alone_is_enough() -> None:
    assert the(HABIT, evidence(EMPTY, pools(openmp=16), FLOORED)).ceiling is None


def small(seconds: float, cores: float, framework: str = "onnx") -> Evidence:
    return evidence(EMPTY, facts(framework, seconds_per_request=seconds, cpu_seconds_per_request=cores * seconds))


def test_a_small_request_that_one_core_answers_or_a_large_one_that_all_do() -> None:
    assert not found(HABIT, small(300e-6, 1.2), small(5e-3, 2.0), small(300e-6, 2.0, "torch"))


def test_a_small_request_that_keeps_several_cores_busy() -> None:
    finding = the(HABIT, small(300e-6, 2.0))
    assert finding.floor is None and finding.share == 0.5 and "300 µs and keeps 2.0 cores busy" in finding.title
