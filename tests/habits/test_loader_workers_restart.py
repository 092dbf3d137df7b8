from __future__ import annotations

import pytest

from handmade import EMPTY, evidence, facts, found, loader, phase, script, step, the
from unslow.core.script import ScriptFacts
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


def test_a_script_that_ended_after_its_one_epoch() -> None:
    known = loader(workers=2, restart_s=10e-3, epochs=1)
    ended = facts("script", script=ScriptFacts("optimizer", 20, loaders=(known,), ended=True))
    assert not found(HABIT, evidence(STEP, ended))


def test_an_evaluation_s_loader_gives_few_of_the_batches() -> None:
    """Ten of 510: its workers are started once in 51 s, and not once in ten steps."""
    training = loader(batches=500, workers=0, wait_s=0.0)
    evaluation = loader(workers=2, batches=10, epochs=2, batches_per_epoch=10, wait_s=0.0, restart_s=1.0)
    known = ScriptFacts("optimizer", 500, loaders=(training, evaluation))
    seen = evidence(STEP, facts("script", script=known, seconds_per_request=0.1))
    finding = the(HABIT, seen)
    assert finding.share == pytest.approx(0.002 / 0.102)


@pytest.mark.parametrize("fields", [{"batches_per_epoch": 1}, {"batches_per_epoch": 100}])
def test_each_batch_is_the_first_of_an_epoch(fields: dict[str, int]) -> None:
    """Of epochs of one batch, and of `next(iter(loader))` in a loop: all of the wait is for starting workers."""
    waits = step(phase("data", 90, "data"), phase("forward", 10))
    always = loader(workers=2, batches=20, epochs=20, wait_s=90e-6, restart_s=90e-6, **fields)
    finding = the(HABIT, evidence(waits, script(always)))
    assert finding.share == pytest.approx(0.9) and finding.title.startswith("Every batch starts 2")
    assert "one iterator" in finding.advice
