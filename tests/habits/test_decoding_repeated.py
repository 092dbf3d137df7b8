from __future__ import annotations

import pytest

from handmade import evidence, found, in_a_row, loader, phase, script, step, the
from unslow.habits.decoding_repeated import HABIT

WAITING = step(phase("data", 60, "data"), phase("forward", 30))


@pytest.mark.parametrize(
    "fields",
    [
        {"deterministic": False},
        {"why_not_cached": "its items differ in shape"},
        {"item_bytes": 0},
        {"item_s": 20e-6},  # 12 kB at 2 GB/s take 6 µs: it is copied already
        {"item_s": 40e-6, "item_bytes": 4_000},  # Ours, read back from a mapped file, take 22 µs on a quiet machine.
    ],
)
def test_items_that_are_random_or_cheap_or_no_arrays(fields: dict[str, object]) -> None:
    assert not found(HABIT, evidence(WAITING, script(loader(**fields))))


def test_a_wait_of_no_account() -> None:
    short = step(phase("data", 4, "data"), phase("forward", 90))
    assert not found(HABIT, evidence(short, script(loader())), evidence(short))


def test_items_that_are_made_anew() -> None:
    finding = the(HABIT, evidence(WAITING, script(loader())))
    assert finding.share == pytest.approx(0.6) and finding.floor == pytest.approx(1e-6 / 3e-3)
    assert "3.00 ms" in finding.title or "3 ms" in finding.title


def test_joining_a_batch_is_no_making_of_its_items() -> None:
    joined = loader(item_s=100e-6, item_bytes=400, batch_size=32, collate_s=28.8e-3)
    assert the(HABIT, evidence(WAITING, script(joined))).share == pytest.approx(0.06)


def test_workers_do_not_change_that() -> None:
    assert found(HABIT, evidence(WAITING, script(loader(workers=2))))


@pytest.mark.parametrize("waited_us, expected", [(60, 0.5), (5, 1.0)])
def test_what_follows_a_long_wait_counts_as_in_the_quickest_steps(waited_us: float, expected: float) -> None:
    rests = [20, 20, *[44] * 9]  # 40 in the mean
    one_by_one = [step(phase("data", waited_us, "data"), us=waited_us + rest) for rest in rests]
    finding = the(HABIT, evidence(in_a_row(*one_by_one), script(loader())))
    assert finding.rest_at_best == pytest.approx(expected, abs=0.01)
    rest = (1 - finding.share) * finding.rest_at_best + finding.share * (finding.floor or 0)
    assert finding.ceiling == pytest.approx(1 / rest)


@pytest.mark.parametrize(("waited_us", "expected"), [(26.6, 1.0), (74.3, 0.754), (360, 0.6), (760, 0.475), (4000, 0.4)])
def test_the_longer_the_wait_the_colder_is_all_that_follows(waited_us: float, expected: float) -> None:
    alike = in_a_row(*(step(phase("data", waited_us, "data"), us=waited_us + 40) for _ in range(8)))
    finding = the(HABIT, evidence(alike, script(loader())))
    assert finding.rest_at_best == pytest.approx(expected, abs=0.01)


def test_a_few_steps_do_not_show_the_quickest() -> None:
    few = in_a_row(*(step(phase("data", 60, "data"), us=60 + rest) for rest in (20, 40, 40)))
    assert the(HABIT, evidence(few, script(loader()))).rest_at_best == 1.0
