from __future__ import annotations

from dataclasses import replace

import pytest

from handmade import evidence, found, in_a_row, loader, phase, script, step, the
from unslow.habits.too_few_loader_workers import HABIT

WAITING = step(phase("data", 60, "data"), phase("forward", 30))


def test_without_workers_it_is_another_habit() -> None:
    assert not found(HABIT, evidence(WAITING, script(loader())), evidence(WAITING))


def test_workers_that_keep_up() -> None:
    short = step(phase("data", 4, "data"), phase("forward", 90))
    assert not found(HABIT, evidence(short, script(loader(workers=2))))


def test_workers_that_do_not() -> None:
    finding = the(HABIT, evidence(WAITING, script(loader(workers=2))))
    assert finding.share == pytest.approx(0.6) and "2 workers" in finding.title


def test_what_starting_workers_takes_is_another_habit() -> None:
    restarted = step(phase("data", 80, "data"), phase("restart", 10, "data"), phase("forward", 10))
    steady = step(phase("data", 2, "data"), phase("forward", 90))
    steps = in_a_row(steady, restarted, steady, steady)
    assert not found(HABIT, evidence(steps, script(loader(workers=2))))
    kept = the(HABIT, evidence(steps, script(loader(workers=2, persistent=True))))
    assert kept.share == pytest.approx(0.24)


def test_a_restart_counts_as_the_other_steps_do() -> None:
    restarted = step(phase("restart", 10, "data"), phase("data", 80, "data"), phase("forward", 10))
    finding = the(HABIT, evidence(in_a_row(restarted, WAITING, WAITING), script(loader(workers=2))))
    assert finding.share == pytest.approx(0.6)


def test_cores_that_its_workers_keep_busy() -> None:
    known = script(loader(workers=2))
    floors = [
        the(HABIT, evidence(WAITING, replace(known, cores_wanted=wanted))).floor for wanted in (0.4, 1.4, 2.0, 2.1)
    ]
    assert floors == pytest.approx([0.0, 0.5, 1.0, 1.0])
