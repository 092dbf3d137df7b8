from __future__ import annotations

import pytest

from handmade import EMPTY, Op, evidence, facts, found, loader, op, phase, script, step, the
from unslow.core.profile import Category
from unslow.habits.input_bound import HABIT

WAITING = step(phase("data", 30, "data"), phase("forward", 60))


def sample(us: float, category: Category = "other", innermost: str = "train.py:12 read") -> Op:
    stack = ["train.py:30 main", "train.py:12 read", innermost]
    return op("read", us, "", category=category, file="train.py", line=12, stack=stack, sampled=True)


def test_a_loader_explains_it() -> None:
    assert not found(HABIT, evidence(WAITING, script(loader())))


def test_nothing_is_waited_for() -> None:
    cases = [step(phase("data", 4, "data")), step(sample(40, "framework")), step(sample(40, "compute")), EMPTY]
    assert not found(HABIT, *(evidence(case, known) for case in cases for known in (script(), facts())))


def test_a_device_is_waited_for() -> None:
    waits = step(sample(40, innermost="torch/cuda/__init__.py:9 synchronize"))
    in_a_phase = step(Op("sync", 40, "sync", {"phase": "sync"}, (sample(40),)))
    assert not found(HABIT, evidence(waits, script()), evidence(in_a_phase, script()))


def test_a_recording_without_a_loader() -> None:
    finding = the(HABIT, evidence(WAITING, facts()))
    assert finding.share == pytest.approx(0.3) and finding.floor is None and "does not show why" in finding.title


def test_a_generator_that_reads() -> None:
    finding = the(HABIT, evidence(step(sample(40), phase("forward", 50)), script(loader())))
    assert finding.site == "train.py:12" and finding.share == pytest.approx(0.4)
