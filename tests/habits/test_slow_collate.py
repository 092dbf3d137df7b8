from __future__ import annotations

from dataclasses import replace

import pytest

from handmade import evidence, found, loader, phase, script, step, the
from unslow.core.script import Site
from unslow.habits.slow_collate import HABIT

WAITING = step(phase("data", 60, "data"), phase("forward", 30))
SLOW = {"collate_s": 50e-6, "item_s": 1e-6, "item_bytes": 100, "batch_size": 16, "wait_s": 60e-6}


@pytest.mark.parametrize(
    "fields",
    [
        {"collate_s": 3e-6},  # of 19
        {"item_bytes": 10_000},  # 160 kB at 2 GB/s take 80 µs
        {"collate_s": 0.0},
        {"vector_collate_s": 30e-6},
    ],
)
def test_joining_of_no_account(fields: dict[str, float]) -> None:
    assert not found(HABIT, evidence(WAITING, script(loader(**{**SLOW, **fields}))))


def test_a_wait_of_no_account() -> None:
    short = step(phase("data", 4, "data"), phase("forward", 90))
    assert not found(HABIT, evidence(short, script(loader(**SLOW))), evidence(short), evidence(WAITING, script()))


def test_joining_in_loops() -> None:
    known = loader(**SLOW, vector_collate_s=5e-6, collate=Site("data.py", 30, 0, 40))
    finding = the(HABIT, evidence(WAITING, script(known)))
    assert finding.share == pytest.approx(0.5) and finding.floor == pytest.approx(0.1)
    assert finding.site == "data.py:30" and "50 µs for 16" in finding.title


def test_workers_share_it() -> None:
    finding = the(HABIT, evidence(WAITING, script(loader(**SLOW, workers=2, why_not_vectorised="it draws"))))
    assert finding.share == pytest.approx(0.25) and finding.floor == pytest.approx(0.8e-6 / 50e-6)
    assert finding.evidence["why_not_vectorised"] == "it draws" and finding.site == "train.py:9"


def test_workers_that_no_core_is_left_for_take_longer_than_was_tried() -> None:
    facts = replace(script(loader(**{**SLOW, "collate_s": 15e-6}, workers=2)), cores_wanted=1.5)
    assert the(HABIT, evidence(WAITING, facts)).share == pytest.approx(0.075)
    assert the(HABIT, evidence(WAITING, replace(facts, cores_wanted=2.4))).share == pytest.approx(15 / 31)
