from __future__ import annotations

import pytest

from handmade import EMPTY, evidence, found, loader, machine, phase, script, step, the
from unslow.habits.loader_in_main_process import HABIT

WAITING = step(phase("data", 60, "data"), phase("forward", 30))


def test_a_loader_with_workers_is_another_habit() -> None:
    assert not found(HABIT, evidence(WAITING, script(loader(workers=2))))


def test_a_wait_of_no_account() -> None:
    short = step(phase("data", 4, "data"), phase("forward", 90))
    assert not found(HABIT, evidence(short, script(loader())), evidence(EMPTY, script(loader())))


def test_no_loader_at_all() -> None:
    assert not found(HABIT, evidence(WAITING, script()), evidence(WAITING))


def test_waiting_for_a_network_can_vanish() -> None:
    from dataclasses import replace

    known = replace(script(loader()), cpu_seconds_per_request=40e-6)
    finding = the(HABIT, evidence(WAITING, known, machine(cores=2)))
    assert finding.share == pytest.approx(0.6) and finding.floor == 0.0
    assert finding.site == "train.py:9" and finding.title.startswith("60 % of a step")


def test_what_is_computed_is_bounded_by_the_cores() -> None:
    # 100 µs of CPU time on two cores cannot take less than 50 µs.
    finding = the(HABIT, evidence(WAITING, script(loader()), machine(cores=2)))
    assert finding.ceiling == pytest.approx(2.0)
    assert the(HABIT, evidence(WAITING, script(loader()), machine(cores=1))).ceiling == pytest.approx(1.0)


def test_the_loader_that_is_waited_for_longest() -> None:
    both = script(loader(), loader(wait_s=1e-3, dataset="Other"))
    assert the(HABIT, evidence(WAITING, both)).evidence["wait_s"] == 1e-3


def test_what_another_loader_makes_the_step_wait_is_not_this_one_s() -> None:
    short, long = loader(wait_s=1e-6, batches=3), loader(wait_s=400e-6, workers=4, dataset="Other")
    assert not found(HABIT, evidence(WAITING, script(short, long)))
    halves = script(loader(), loader(workers=4))
    assert the(HABIT, evidence(WAITING, halves)).share == pytest.approx(0.3)
