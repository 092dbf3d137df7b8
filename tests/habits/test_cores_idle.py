from __future__ import annotations

from dataclasses import replace

import pytest

from handmade import EMPTY, evidence, facts, found, machine, op, step, the
from unslow.core.facts import Facts, ThreadPool
from unslow.habits.cores_idle import HABIT

STEP = step(op("aten::addmm", 80))


def using(cores: float) -> Facts:
    return facts(cpu_seconds_per_request=cores * 100e-6, thread_pools=(ThreadPool("openmp", 1),))


def test_a_machine_of_one_core_has_none_to_spare() -> None:
    assert not found(HABIT, evidence(STEP, using(0.4), machine(cores=1)))


def test_all_cores_in_use() -> None:
    assert not found(HABIT, evidence(STEP, using(2.0), machine(cores=2)), evidence(STEP, using(1.6), machine(cores=2)))


def test_waiting_needs_no_cores() -> None:
    waiting = step(op("read", 70, category="data"), op("aten::mm", 20))
    assert not found(HABIT, evidence(waiting, using(0.3), machine(cores=8)), evidence(EMPTY, using(1.0)))


def test_unmeasured_use_says_nothing() -> None:
    assert not found(HABIT, evidence(STEP, facts(cpu_seconds_per_request=0.0), machine(cores=8)))
    assert not found(HABIT, evidence(STEP, facts(seconds_per_request=0.0), machine(cores=8)))


def test_what_neighbours_take_cannot_be_had() -> None:
    assert the(HABIT, evidence(STEP, using(0.6), machine(cores=4))).floor == pytest.approx(0.25)


def test_nor_is_a_core_idle_that_another_program_keeps_busy() -> None:
    beside = replace(using(1.0), cores_taken=0.9)
    assert not found(HABIT, evidence(STEP, beside, machine(cores=2)))
    assert the(HABIT, evidence(STEP, beside, machine(cores=3))).floor == pytest.approx(1 / 2.1)


def test_one_of_two_cores() -> None:
    finding = the(HABIT, evidence(STEP, using(1.0), machine(cores=2)))
    assert finding.share == pytest.approx(0.8)
    assert finding.floor == pytest.approx(0.5)
    assert finding.ceiling == pytest.approx(1 / 0.6)
    assert finding.title.startswith("1.0 of 2 cores")
    assert finding.evidence["pool_threads"] == 1
