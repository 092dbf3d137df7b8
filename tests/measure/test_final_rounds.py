from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from statistics import median

import pytest

from fake_bench import ORIGINAL, Script, Yard, dies, interrupted
from unslow.core.estimate import verdict_of
from unslow.core.events import Event, silent
from unslow.core.heat import Final, Heat
from unslow.core.options import Options
from unslow.core.variant import Applied, Variant
from unslow.measure.bench import LEAST_TURN_PAIRS
from unslow.measure.energy import NO_METER, Meter, rapl
from unslow.measure.final_rounds import FinalResult, hold_finals
from unslow.measure.finals import PROCESS_PAIRS_WHEN_CLEAR, TURN_PAIRS_PER_PROCESS, finals_estimate
from unslow.verbs._trials import final_speedup

OPTIONS = Options()
FAST, OTHER = (Heat(Variant((Applied(name),)), ORIGINAL) for name in ("inference-mode", "torch-compile"))


def held(
    yard: Yard,
    folder: Path,
    pairs: dict[str, int],
    listener: object = None,
    keep: Callable[[Final], None] = lambda final: None,
    until: float = math.inf,
    options: Options = OPTIONS,
    meter: Meter = NO_METER,
) -> FinalResult:
    bundles = {heat.id: folder / heat.id for heat in (FAST, OTHER)}
    for bundle in bundles.values():
        bundle.mkdir(exist_ok=True, parents=True)
        (bundle / "file").write_bytes(b"1234")
    told = listener if callable(listener) else silent
    try:
        chosen = [heat for heat in (FAST, OTHER) if heat.id in pairs]
        return hold_finals(yard.bench(folder, meter=meter), chosen, bundles, pairs, options, told, keep, until)
    finally:
        assert yard.open_workers == []


def test_one_that_dies_in_the_middle_fails_alone(tmp_path: Path) -> None:
    yard = Yard({FAST.id: Script(0.005), OTHER.id: Script(0.005, fails_at_turn=15, failing_process=2)})
    result = held(yard, tmp_path, {FAST.id: 3, OTHER.id: 3})
    assert set(result.finals) == {FAST.id}
    assert "SIGSEGV" in result.failures[OTHER.id]
    assert yard.count("open", OTHER.id) == 2


def test_one_that_cannot_be_opened_fails_alone(tmp_path: Path) -> None:
    result = held(Yard({OTHER.id: Script(fails={"open": dies})}), tmp_path, {FAST.id: 3, OTHER.id: 3})
    assert set(result.failures) == {OTHER.id}
    assert set(result.finals) == {FAST.id}


def dying(turn: int, process: int = 0) -> Script:
    return Script(0.01, fails_at_turn=turn, failing_process=process)


def test_an_original_that_always_dies_blames_nobody_and_the_finals_end(tmp_path: Path) -> None:
    yard = Yard({"original": dying(20)})
    result = held(yard, tmp_path, {FAST.id: 3, OTHER.id: 3})
    assert result.finals == {}
    assert set(result.failures) == {FAST.id, OTHER.id}
    assert all("original's process ended" in reason and "SIGSEGV" in reason for reason in result.failures.values())
    assert yard.count("open", "original") == 2


def test_an_original_that_cannot_be_opened_is_tried_twice_then_the_finals_end(tmp_path: Path) -> None:
    yard = Yard({"original": Script(fails={"open": dies})})
    result = held(yard, tmp_path, {FAST.id: 3})
    assert set(result.failures) == {FAST.id} and result.finals == {}
    assert yard.count("open", "original") == 2


def test_a_round_in_which_the_original_dies_is_held_again_whole(tmp_path: Path) -> None:
    """It dies beside the second finalist: what the first one had done in that round is thrown away with it."""
    told: list[Event] = []
    warm_up_and_one_finalist = 10 + TURN_PAIRS_PER_PROCESS + 5
    yard = Yard({"original": dying(warm_up_and_one_finalist, process=2), FAST.id: Script(0.005)})
    result = held(yard, tmp_path, {FAST.id: 3, OTHER.id: 3}, told.append)
    assert result.failures == {}
    assert [len(result.finals[heat.id].log_ratios) for heat in (FAST, OTHER)] == [3, 3]
    assert {len(pairs) for pairs in result.finals[FAST.id].log_ratios} == {TURN_PAIRS_PER_PROCESS}
    assert [yard.count("open", name) for name in ("original", FAST.id, OTHER.id)] == [4, 4, 4]
    assert [event.stage for event in told].count("note") == 1


def test_one_that_died_beside_a_living_original_has_no_second_chance(tmp_path: Path) -> None:
    yard = Yard({"original": dying(40, process=1), FAST.id: Script(fails={"open": dies})})
    result = held(yard, tmp_path, {FAST.id: 3, OTHER.id: 3})
    assert (set(result.failures), set(result.finals)) == ({FAST.id}, {OTHER.id})
    assert yard.count("open", FAST.id) == 1


def test_after_a_second_death_what_is_known_is_reported_and_not_kept(tmp_path: Path) -> None:
    yard = Yard({"original": Script(0.01, fails_from_process=4, fails_at_turn=20), FAST.id: Script(0.005)})
    kept: list[str] = []
    result = held(yard, tmp_path, {FAST.id: 8, OTHER.id: 3}, keep=lambda final: kept.append(final.id))
    assert (set(result.finals), kept) == ({FAST.id, OTHER.id}, [OTHER.id])
    assert [len(result.finals[heat.id].log_ratios) for heat in (FAST, OTHER)] == [3, 3]
    assert result.failures == {}


def test_an_interrupt_goes_through_and_leaves_nothing_open(tmp_path: Path) -> None:
    for name in ("original", FAST.id):
        with pytest.raises(KeyboardInterrupt):
            held(Yard({name: Script(0.01, fails_at_turn=20, failure=interrupted)}), tmp_path, {FAST.id: 3})


def test_whoever_is_done_is_kept_before_the_others_are(tmp_path: Path) -> None:
    yard, kept = Yard({FAST.id: Script(0.005), OTHER.id: Script(0.0098)}), dict[str, tuple[int, Final]]()
    result = held(
        yard, tmp_path, {FAST.id: 3, OTHER.id: 8},
        keep=lambda final: kept.update({final.id: (yard.count("open", OTHER.id), final)}),
    )  # fmt: skip
    assert {name: rounds for name, (rounds, _) in kept.items()} == {FAST.id: 3, OTHER.id: 8}
    assert {name: final for name, (_, final) in kept.items()} == result.finals


def test_an_interrupt_loses_nothing_of_whoever_was_done(tmp_path: Path) -> None:
    kept: list[Final] = []
    slow = Script(0.0098, fails_from_process=5, fails_at_turn=20, failure=interrupted)
    with pytest.raises(KeyboardInterrupt):
        held(Yard({FAST.id: Script(0.005), OTHER.id: slow}), tmp_path, {FAST.id: 3, OTHER.id: 8}, keep=kept.append)
    undisturbed = held(Yard({FAST.id: Script(0.005), OTHER.id: Script(0.0098)}), tmp_path, {FAST.id: 3, OTHER.id: 8})
    assert kept == [undisturbed.finals[FAST.id]]


def test_without_finalists_nothing_is_started(tmp_path: Path) -> None:
    yard = Yard({})
    assert held(yard, tmp_path, {}) == FinalResult({}, {})
    assert yard.workers == []


def test_each_round_is_fresh_and_each_finalist_has_as_many_as_it_needs(tmp_path: Path) -> None:
    yard = Yard({FAST.id: Script(0.005), OTHER.id: Script(0.0098)})
    result = held(yard, tmp_path, {FAST.id: 3, OTHER.id: 8})
    assert [len(result.finals[heat.id].log_ratios) for heat in (FAST, OTHER)] == [3, 8]
    assert {len(pairs) for pairs in result.finals[OTHER.id].log_ratios} == {TURN_PAIRS_PER_PROCESS}
    assert (yard.count("open", "original"), yard.count("open", FAST.id), yard.count("open", OTHER.id)) == (8, 3, 8)


def test_bundles_are_opened_on_requests_that_the_race_did_not_use(tmp_path: Path) -> None:
    yard = Yard({FAST.id: Script(0.005)})
    held(yard, tmp_path, {FAST.id: 3})
    opened = [(name, arguments) for name, job, arguments in yard.arguments if job == "open"]
    assert all(arguments["order"] == [4, 5, 6, 7] for _, arguments in opened)
    assert all(arguments["original"] == (name == "original") for name, arguments in opened)
    assert {arguments["bundle"] for name, arguments in opened if name == FAST.id} == {str(tmp_path / FAST.id)}


def test_the_interval_is_over_process_medians_not_over_turns(tmp_path: Path) -> None:
    effects = (0.02, -0.02, 0.0)
    yard = Yard({FAST.id: Script(0.0095, effect=effects, jitter=0.0), "original": Script(0.01, jitter=0.0)})
    final = held(yard, tmp_path, {FAST.id: 3}).finals[FAST.id]
    medians = [math.log(0.01 / (0.0095 * (1 + effect))) for effect in effects]
    assert [median(pairs) for pairs in final.log_ratios] == pytest.approx(medians)
    assert final_speedup(final).low == pytest.approx(finals_estimate(medians).low)
    # Turns without any noise of their own do not make it sure: processes differ by more than what is claimed.
    assert verdict_of(final_speedup(final), 0.02) == "undecided"


@pytest.mark.parametrize(("seconds", "verdict"), [(0.005, "faster"), (0.01, "same"), (0.02, "slower")])
def test_the_verdict_of_the_finals(tmp_path: Path, seconds: float, verdict: str) -> None:
    final = held(Yard({FAST.id: Script(seconds)}), tmp_path, {FAST.id: 8}).finals[FAST.id]
    assert verdict_of(final_speedup(final), 0.02) == verdict


def test_the_sums_are_of_the_same_requests_on_both_sides(tmp_path: Path) -> None:
    final = held(Yard({FAST.id: Script(0.005, granularity=4)}), tmp_path, {FAST.id: 3}).finals[FAST.id]
    assert final.requests == final.original_requests > 0
    assert final.requests % 4 == 0
    assert len(final.call_ms) == final.requests
    assert final.original_seconds / final.seconds == pytest.approx(2, rel=0.01)
    assert (final.bundle_bytes, final.bundle) == (4, str(tmp_path / FAST.id))
    assert final.setup_s > 0 and final.original_setup_s > 0


def test_joules_are_of_each_side_and_unknown_where_the_machine_does_not_tell(tmp_path: Path) -> None:
    unknown = held(Yard({FAST.id: Script(0.005)}), tmp_path, {FAST.id: 3}).finals[FAST.id]
    assert (unknown.joules, unknown.original_joules) == (None, None)
    yard = Yard({FAST.id: Script(0.005)})
    folder = tmp_path / "intel-rapl:0"
    folder.mkdir()
    for file, value in (("name", "package-0"), ("energy_uj", 0), ("max_energy_range_uj", 10**12)):
        (folder / file).write_text(str(value))

    def ten_watts(job: str) -> None:
        (folder / "energy_uj").write_text(str(round(10e6 * yard.now)))

    yard.after_each_job = ten_watts
    known = held(yard, tmp_path, {FAST.id: 3}, meter=rapl(tmp_path)).finals[FAST.id]
    assert known.joules is not None and known.original_joules is not None
    assert known.joules == pytest.approx(10 * known.seconds, rel=0.01)
    assert known.original_joules == pytest.approx(10 * known.original_seconds, rel=0.01)


def test_each_round_is_told_with_what_is_known_so_far(tmp_path: Path) -> None:
    told: list[Event] = []
    held(Yard({FAST.id: Script(0.005)}), tmp_path, {FAST.id: 3}, told.append)
    assert [(event.stage, event.trial, event.pairs) for event in told] == [("finals", FAST.id, n) for n in (1, 2, 3)]
    assert told[0].interval is not None and not told[0].interval.bounded
    assert told[-1].interval is not None and told[-1].interval.bounded


def test_time_that_is_over_ends_the_finals_after_the_fewest_rounds(tmp_path: Path) -> None:
    kept: list[str] = []
    yard = Yard({"original": Script(0.02)})
    result = held(yard, tmp_path, {FAST.id: 8, OTHER.id: 8}, keep=lambda final: kept.append(final.id), until=0.0)
    assert {len(final.log_ratios) for final in result.finals.values()} == {PROCESS_PAIRS_WHEN_CLEAR}
    assert set(kept) == set(result.finals) == {FAST.id, OTHER.id}


def pairs_of(final: Final) -> list[int]:
    return [len(pairs) for pairs in final.log_ratios]


def test_where_time_is_short_rounds_have_as_few_turns_as_have_a_median(tmp_path: Path) -> None:
    result = held(Yard({"original": Script(0.02)}), tmp_path, {FAST.id: 8, OTHER.id: 8}, until=0.0)
    assert {tuple(pairs_of(final)) for final in result.finals.values()} == {(LEAST_TURN_PAIRS,) * 3}


def test_time_is_shared_out_among_the_rounds_that_there_must_be(tmp_path: Path) -> None:
    whole = Yard({"original": Script(0.02), FAST.id: Script(0.01)})
    assert pairs_of(held(whole, tmp_path, {FAST.id: 3}).finals[FAST.id]) == [TURN_PAIRS_PER_PROCESS] * 3
    yard = Yard({"original": Script(0.02), FAST.id: Script(0.01)})
    until = 0.7 * whole.now
    pairs = pairs_of(held(yard, tmp_path, {FAST.id: 3}, until=until).finals[FAST.id])
    assert all(LEAST_TURN_PAIRS < one < TURN_PAIRS_PER_PROCESS for one in pairs)
    assert max(pairs) - min(pairs) <= 1
    assert yard.now <= until


def test_with_time_left_every_round_is_held(tmp_path: Path) -> None:
    result = held(Yard({"original": Script(0.02)}), tmp_path, {FAST.id: 5}, until=1e9)
    assert len(result.finals[FAST.id].log_ratios) == 5


@pytest.mark.parametrize("options", [Options(rate=50.0), Options(p99_below_ms=20.0)])
def test_every_process_pair_takes_its_part_of_the_load(tmp_path: Path, options: Options) -> None:
    assert held(Yard({}), tmp_path / "without", {FAST.id: 3}).finals[FAST.id].load_ms == ()
    slow = Script(0.005, effect=(0.0, 0.0, 1.0))
    final = held(Yard({FAST.id: slow}), tmp_path / "with", {FAST.id: 3}, options=options).finals[FAST.id]
    assert [process[0] for process in final.load_ms] == pytest.approx([5.0, 5.0, 10.0])
    assert {len(process) for process in (*final.load_ms, *final.original_load_ms)} <= set(range(134, 668))
    assert len(final.original_load_ms) == 3


def test_under_a_load_every_round_is_held_whatever_the_time(tmp_path: Path) -> None:
    result = held(Yard({}), tmp_path, {FAST.id: 5}, until=0.0, options=Options(p99_below_ms=20.0))
    assert len(result.finals[FAST.id].load_ms) == 5
