from __future__ import annotations

import pytest

from handmade import evidence, found, loader, phase, script, step, the
from unslow.habits.decoding_repeated import HABIT

WAITING = step(phase("data", 60, "data"), phase("forward", 30))


@pytest.mark.parametrize(
    "fields",
    [
        {"deterministic": False},
        {"why_not_cached": "its items differ in shape"},
        {"item_bytes": 0},
        {"item_s": 20e-6},  # 12 kB at 2 GB/s take 6 µs: it is copied already
    ],
)
def test_items_that_are_random_or_cheap_or_no_arrays(fields: dict[str, object]) -> None:
    assert not found(HABIT, evidence(WAITING, script(loader(**fields))))


def test_a_wait_of_no_account() -> None:
    short = step(phase("data", 4, "data"), phase("forward", 90))
    assert not found(HABIT, evidence(short, script(loader())), evidence(short))


def test_items_that_are_made_anew() -> None:
    finding = the(HABIT, evidence(WAITING, script(loader())))
    assert finding.share == pytest.approx(0.6) and finding.floor == pytest.approx(26e-6 / 3e-3)
    assert "3.00 ms" in finding.title or "3 ms" in finding.title


def test_items_that_are_kept_already_promise_nothing() -> None:
    kept = the(HABIT, evidence(WAITING, script(loader(item_s=18e-6, item_bytes=4_000))))
    assert kept.ceiling == 1


def test_workers_do_not_change_that() -> None:
    assert found(HABIT, evidence(WAITING, script(loader(workers=2))))
