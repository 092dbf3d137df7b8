from __future__ import annotations

from typing import Any

import pytest

from handmade import evidence, found, loader, machine, phase, script, step, the
from unslow.core.profile import Profile
from unslow.habits.slow_dataset_item import HABIT

RANDOM = {"deterministic": False, "why_not_cached": "its items are random"}
LINE = {"slowest_line": "data.py:39", "slowest_line_part": 0.7}


def waiting(us: float = 60) -> Profile:
    return step(phase("data", us, "data"), phase("forward", 30))


@pytest.mark.parametrize(
    "fields",
    [
        {"item_s": 20e-6},  # 12 kB at 2 GB/s take 6 µs
        {"collate_s": 1.0},
        {"slowest_line": ""},
        {"item_s": 0.0},
    ],
)
def test_items_of_no_account_or_nobodys_line(fields: dict[str, Any]) -> None:
    assert not found(HABIT, evidence(waiting(), script(loader(**{**RANDOM, **LINE, **fields}))))


def test_a_wait_of_no_account() -> None:
    known = script(loader(**RANDOM, **LINE))
    assert not found(HABIT, evidence(waiting(4), known), evidence(waiting()), evidence(waiting(), script()))


def test_what_workers_hide_and_a_cache_keeps() -> None:
    # 100 µs of CPU in a step of 100 µs: with 8 cores nothing of the wait remains.
    assert not found(HABIT, evidence(waiting(), script(loader(**LINE)), machine(cores=8)))
    assert found(HABIT, evidence(waiting(), script(loader(**LINE, **RANDOM)), machine(cores=8)))
    assert found(HABIT, evidence(waiting(), script(loader(**LINE)), machine(cores=1)))


def test_the_line_that_was_timed() -> None:
    finding = the(HABIT, evidence(waiting(), script(loader(**RANDOM, **LINE))))
    assert finding.share == pytest.approx(0.6) and finding.floor is None and finding.site == "data.py:39"
    assert "70 % of that is at data.py:39" in finding.title


def test_in_workers_too() -> None:
    known = loader(**LINE, workers=2)
    assert the(HABIT, evidence(waiting(), script(known), machine(cores=8))).evidence["line_part"] == 0.7
