from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from fake_bench import ORIGINAL, Script, Yard, dies, hangs, interrupted
from unslow.core.errors import BadInput, WorkerFailed
from unslow.core.estimate import Estimate, Verdict, verdict_of
from unslow.core.events import Event, silent
from unslow.core.heat import Heat
from unslow.core.options import Options
from unslow.core.variant import Applied, Variant
from unslow.measure.bench import Opened
from unslow.measure.heats import HOPELESS_PAIRS, LEAST_PATIENCE_S, MOST_PAIRS, CheckOutputs, Original, Rules, heat
from unslow.measure.race import pairs_needed, speedup

VARIANT = Variant((Applied("inference-mode"),))
ALPHA, NOISE = 0.05 / 40, 0.02
RULES = Rules(ALPHA, NOISE, None, 1e9)


def right(opened: Opened, entry: Heat) -> str:
    return ""


def raced(
    yard: Yard,
    folder: Path,
    rules: Rules = RULES,
    check: CheckOutputs = right,
    listener: Callable[[Event], None] = silent,
) -> Heat:
    original = Original(yard.bench(folder))
    try:
        return heat(yard.bench(folder), original, VARIANT, rules, Options(), listener, check)
    finally:
        original.close()
        assert yard.open_workers == []


def yard_of(variant: Script, original: Script | None = None) -> Yard:
    return Yard({"original": original or Script(0.01), VARIANT.id: variant})


@pytest.mark.parametrize(
    ("script", "says"),
    [
        (Script(fails={"build": dies}), "SIGSEGV during build"),
        (Script(fails={"open": dies}), "SIGSEGV during open"),
        (Script(fails={"open": hangs}), "It hung: open"),
        (Script(fails_at_turn=3), "SIGSEGV during turn"),
        (Script(fails_at_turn=20, failure=hangs), "It hung: turn"),
    ],
)
def test_a_variant_that_goes_wrong_is_failed_with_its_reason(tmp_path: Path, script: Script, says: str) -> None:
    entry = raced(yard_of(script), tmp_path)
    assert says in entry.failure
    assert not entry.ran


@pytest.mark.parametrize("seconds", [float("nan"), 0.0, -1.0])
def test_times_that_are_no_times_are_the_variant_s_failure(tmp_path: Path, seconds: float) -> None:
    entry = raced(yard_of(Script(lambda turn: seconds if turn > 18 else 0.005)), tmp_path)
    assert (entry.failure or speedup(entry.log_ratios, ALPHA).point > 0) and "Error" not in entry.failure


@pytest.mark.parametrize(
    ("seconds", "verdict"), [(0.005, "faster"), (0.0101, "same"), (0.0099, "same"), (0.01, "same"), (0.015, "slower")]
)
def test_the_verdict_of_a_race(tmp_path: Path, seconds: float, verdict: Verdict) -> None:
    entry = raced(yard_of(Script(seconds)), tmp_path)
    assert verdict_of(speedup(entry.log_ratios, ALPHA), NOISE) == verdict
    assert pairs_needed(ALPHA) <= len(entry.log_ratios) <= MOST_PAIRS
    assert entry.failure == ""


def test_a_difference_near_the_noise_is_looked_at_for_long_and_then_left_to_the_finals(tmp_path: Path) -> None:
    entry = raced(yard_of(Script(0.01 / 1.02, jitter=0.03)), tmp_path)
    assert len(entry.log_ratios) == MOST_PAIRS
    assert verdict_of(speedup(entry.log_ratios, ALPHA), NOISE) == "undecided"


@pytest.mark.parametrize(("seconds", "pairs"), [(0.2, HOPELESS_PAIRS), (0.04, pairs_needed(ALPHA))])
def test_a_hopeless_variant_is_given_up_early(tmp_path: Path, seconds: float, pairs: int) -> None:
    assert len(raced(yard_of(Script(seconds)), tmp_path).log_ratios) == pairs


def test_one_good_turn_saves_a_variant_from_being_hopeless(tmp_path: Path) -> None:
    script = Script(lambda turn: 0.002 if turn % 5 == 0 else 0.2)
    assert len(raced(yard_of(script), tmp_path).log_ratios) > HOPELESS_PAIRS


def test_a_fast_variant_that_is_not_clear_of_the_leader_goes_on(tmp_path: Path) -> None:
    leader = Estimate(2.0, 1.99, 2.01, 0.99, 30)
    alone = raced(yard_of(Script(0.005)), tmp_path)
    beside = raced(yard_of(Script(0.005)), tmp_path, replace(RULES, leader=leader))
    assert len(alone.log_ratios) == pairs_needed(ALPHA)
    assert len(beside.log_ratios) == MOST_PAIRS


def test_a_variant_behind_the_leader_is_dropped(tmp_path: Path) -> None:
    entry = raced(yard_of(Script(0.005)), tmp_path, replace(RULES, leader=Estimate(4, 3.9, 4.1, 0.99, 30)))
    assert len(entry.log_ratios) == pairs_needed(ALPHA)


def test_it_ends_when_time_is_up(tmp_path: Path) -> None:
    assert len(raced(yard_of(Script(0.005)), tmp_path, replace(RULES, until=0.0)).log_ratios) == 1


def test_a_hung_process_may_not_eat_more_than_what_is_left(tmp_path: Path) -> None:
    for until, most in ((0.0, LEAST_PATIENCE_S), (100.0, 100.0), (1e9, 600.0)):
        yard = yard_of(Script())
        raced(yard, tmp_path, replace(RULES, until=until))
        assert {round(seconds) for job, seconds in yard.timeouts if job == "build"} == {most}


@pytest.mark.parametrize("patience_s", [7.0, 5000.0])
def test_patience_is_the_one_limit_of_every_wait(tmp_path: Path, patience_s: float) -> None:
    yard = yard_of(Script())
    bench = yard.bench(tmp_path, patience_s=patience_s)
    original = Original(bench)
    heat(bench, original, VARIANT, RULES, Options(), silent, right)
    original.close()
    assert {job for job, _ in yard.timeouts} == {"build", "open", "turn"}
    assert {seconds for _, seconds in yard.timeouts} == {patience_s}


def test_patience_does_not_lengthen_what_is_left_of_the_budget(tmp_path: Path) -> None:
    yard = yard_of(Script())
    bench = yard.bench(tmp_path, patience_s=5000.0)
    original = Original(bench)
    heat(bench, original, VARIANT, replace(RULES, until=100.0), Options(), silent, right)
    original.close()
    assert next(seconds for job, seconds in yard.timeouts if job == "build") == 100.0


def test_what_changes_nothing_is_not_raced(tmp_path: Path) -> None:
    yard = yard_of(Script(unchanged=True))
    assert raced(yard, tmp_path).nothing_changed
    assert yard.count("open", VARIANT.id) == 0


def test_a_fix_that_leaves_what_it_is_put_on_as_it_is_changes_nothing(tmp_path: Path) -> None:
    below = raced(yard_of(Script()), tmp_path).workload
    assert below != ORIGINAL
    assert raced(yard_of(Script()), tmp_path, replace(RULES, below=below)).nothing_changed


def test_lost_outputs_are_not_raced(tmp_path: Path) -> None:
    yard = yard_of(Script(0.005))
    entry = raced(yard, tmp_path, check=lambda opened, entry: "It answers NaN.")
    assert entry.lost == "It answers NaN."
    assert not entry.ran


def test_a_variant_that_dies_while_its_outputs_are_looked_at_has_failed(tmp_path: Path) -> None:
    def check(opened: Opened, entry: Heat) -> str:
        raise WorkerFailed("It crashed with SIGSEGV during answers.")

    assert "answers" in raced(yard_of(Script()), tmp_path, check=check).failure


def test_what_is_wrong_with_the_workload_itself_ends_the_run(tmp_path: Path) -> None:
    def check(opened: Opened, entry: Heat) -> str:
        raise BadInput("The metric raised ValueError.")

    with pytest.raises(BadInput, match="metric"):
        raced(yard_of(Script()), tmp_path, check=check)


def test_an_interrupt_goes_through_and_leaves_nothing_open(tmp_path: Path) -> None:
    for script in (
        Script(fails={"build": interrupted}),
        Script(fails={"open": interrupted}),
        Script(fails_at_turn=20, failure=interrupted),
    ):
        with pytest.raises(KeyboardInterrupt):
            raced(yard_of(script), tmp_path)


def test_the_variant_does_not_pay_for_an_original_that_dies(tmp_path: Path) -> None:
    yard = yard_of(Script(0.005), Script(0.01, fails_at_turn=20, failing_process=1))
    entry = raced(yard, tmp_path)
    assert entry.failure == ""
    assert speedup(entry.log_ratios, ALPHA).point == pytest.approx(2, rel=0.02)
    assert [worker.name for worker in yard.workers].count("original") == 2


def test_an_original_that_dies_again_is_named(tmp_path: Path) -> None:
    entry = raced(yard_of(Script(0.005), Script(0.01, fails_at_turn=20)), tmp_path)
    assert "original's process ended" in entry.failure


def test_an_original_that_cannot_be_opened_is_no_variant_s_failure(tmp_path: Path) -> None:
    with pytest.raises(WorkerFailed):
        raced(yard_of(Script(0.005), Script(fails={"open": dies})), tmp_path)


def test_the_original_is_opened_once_for_all_heats(tmp_path: Path) -> None:
    yard = yard_of(Script(0.005))
    bench = yard.bench(tmp_path)
    original = Original(bench)
    for _ in range(3):
        heat(bench, original, VARIANT, RULES, Options(), silent, right)
    original.close()
    assert yard.count("open", "original") == 1
    assert yard.open_workers == []


def test_the_heat_keeps_what_it_cost(tmp_path: Path) -> None:
    entry = raced(yard_of(Script(0.005)), tmp_path)
    assert entry.build_s == 2.0
    assert entry.setup_s > 1.0
    assert entry.seconds_per_request == pytest.approx(0.005, rel=0.05)
    assert entry.peak_memory_bytes > 0


def test_every_pair_is_told(tmp_path: Path) -> None:
    told: list[Event] = []
    entry = raced(yard_of(Script(0.005)), tmp_path, listener=told.append)
    assert [event.stage for event in told] == ["build", *["race"] * len(entry.log_ratios)]
    assert told[-1].interval == speedup(entry.log_ratios, ALPHA)
