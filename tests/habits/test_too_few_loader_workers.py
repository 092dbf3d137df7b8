from __future__ import annotations

import pytest

from handmade import evidence, found, loader, phase, script, step, the
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
