from __future__ import annotations

import pytest

from handmade import EMPTY, evidence, found, loader, phase, script, step, the
from unslow.habits.loader_workers_restart import HABIT

STEP = step(phase("data", 10, "data"), phase("forward", 80))


@pytest.mark.parametrize(
    "fields",
    [
        {"workers": 0},
        {"persistent": True},
        {"restart_s": 60e-6},  # no longer than any other batch
        {"restart_s": 64e-6},  # 4 µs in eight steps of 100
        {"batches_per_epoch": 0},
    ],
)
def test_nothing_is_started_anew_or_it_costs_nothing(fields: dict[str, object]) -> None:
    known = {"workers": 2, "restart_s": 10e-3, **fields}
    assert not found(HABIT, evidence(STEP, script(loader(**known))))


def test_without_a_profile() -> None:
    assert not found(HABIT, evidence(EMPTY, script(loader(workers=2, restart_s=1.0))))


def test_the_first_batch_of_an_epoch_is_waited_for() -> None:
    finding = the(HABIT, evidence(STEP, script(loader(workers=2, restart_s=860e-6))))
    assert finding.share == pytest.approx(0.5)  # 800 µs more in eight steps of 100 µs
    assert finding.floor == 0.0 and "8 batches" in finding.title
