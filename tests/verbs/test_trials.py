from __future__ import annotations

import math
from dataclasses import replace

import pytest

from made import heats, known, made_fix, ran, variant
from unslow.core.events import Event
from unslow.core.heat import Final, Heat
from unslow.core.options import Options
from unslow.core.trial import Guarded, Trial
from unslow.measure.race import speedup
from unslow.verbs._trials import (
    Results,
    break_even,
    final_speedup,
    percentiles,
    telling_trials,
    trials,
    why_not,
    why_slower,
    winner_of,
)

FIXES = {name: made_fix(name, tag=tag) for name, tag in (("a", "exact"), ("b", "numeric"), ("c", "lossy"))}
A, B, AB = variant("a"), variant("b"), variant("a", "b")
KEPT = Guarded("kept", "Every answer is the same.")
LOST = Guarded("lost", "Its answers are wrong.")
UNPROVEN = Guarded("unproven", "12 samples are too few")
OPTIONS = Options()


def final(of: str, ratio: float = math.log(2), spread: float = 0.0, **fields: object) -> Final:
    """Three process pairs about this log-ratio; 400 calls of 5 ms against 10 ms."""
    processes = tuple((ratio + shift,) * 25 for shift in (-spread, 0.0, spread))
    seconds = 4.0 / math.exp(ratio)
    plain = Final(
        of, processes, (5.0,) * 400, (10.0,) * 400, seconds, seconds, 400, 4.0, 4.0, 400, 3.0, 1.0, 10**6, 10**7,
        "/bundle", 1234,
    )  # fmt: skip
    return replace(plain, **fields)  # type: ignore[arg-type]


def results(
    *found: Heat,
    finals: tuple[Final, ...] = (),
    guarded: dict[str, Guarded] | None = None,
    **more: dict[str, str],
) -> Results:
    intervals = {heat.id: speedup(heat.log_ratios, 0.00125) for heat in found if heat.ran}
    judged = {done.id: KEPT for done in finals} if guarded is None else guarded
    return Results(
        heats(*found), intervals, judged, {done.id: done for done in finals},
        more.get("failures", {}), more.get("set_aside", {}),
    )  # fmt: skip


def winner(what: Results, options: Options = OPTIONS) -> str | None:
    return winner_of(what, FIXES, options)


def test_nothing_wins_without_finals() -> None:
    assert winner(results()) is None
    assert winner(results(ran(A))) is None


@pytest.mark.parametrize(
    ("ratio", "spread", "says"),
    [
        (math.log(1.03), 0.02, "undecided"),
        (math.log(1.5), 0.5, "undecided"),
        (0.0, 0.0001, "same"),
        (math.log(0.5), 0.0, "slower"),
    ],
)
def test_who_is_not_faster_beyond_the_noise_does_not_win(ratio: float, spread: float, says: str) -> None:
    what = results(ran(A), finals=(final(A.id, ratio + 1e-12, spread),))
    assert winner(what) is None
    assert f"In the finals it is {says}" in why_not(A.id, what, OPTIONS)


@pytest.mark.parametrize(
    ("guarded", "says"),
    [({A.id: LOST}, "answers are wrong"), ({}, "not judged"), ({A.id: UNPROVEN}, "--accept-unproven")],
)
def test_who_is_not_right_does_not_win(guarded: dict[str, Guarded], says: str) -> None:
    what = results(ran(A), finals=(final(A.id),), guarded=guarded)
    assert winner(what) is None
    assert says in why_not(A.id, what, OPTIONS)


def test_unproven_wins_where_that_is_accepted_and_lost_never() -> None:
    accepting = Options(accept_unproven=True)
    assert winner(results(ran(A), finals=(final(A.id),), guarded={A.id: UNPROVEN}), accepting) == A.id
    assert winner(results(ran(A), finals=(final(A.id),), guarded={A.id: LOST}), accepting) is None


@pytest.mark.parametrize(
    ("calls", "limit", "says"),
    [
        ((5.0,) * 400, 4.9, "as high as 5 ms"),
        ((5.0,) * 390 + (90.0,) * 10, 50.0, "as high as 90 ms"),
        ((5.0,) * 300, 50.0, "300 calls are too few"),
    ],
)
def test_the_limit_on_p99_is_judged_on_the_upper_end(calls: tuple[float, ...], limit: float, says: str) -> None:
    what = results(ran(A), finals=(final(A.id, call_ms=calls),))
    assert winner(what, Options(p99_below_ms=limit)) is None
    assert says in why_not(A.id, what, Options(p99_below_ms=limit))


@pytest.mark.parametrize(
    ("processes", "says"),
    [
        (((5.0,) * 500,), "too few"),
        (((5.0,) * 100,) * 2 + ((5.0,) * 99 + (80.0,) * 1,), "too few"),
        (((5.0,) * 150,) * 3 + ((11.0,) * 150,), "as high as"),
        (((5.0,) * 150, (5.1,) * 150, (6.0,) * 150, (9.0,) * 150), "as high as"),
    ],
)
def test_p99_is_judged_over_all_processes(processes: tuple[tuple[float, ...], ...], says: str) -> None:
    """The calls in turns would all be below; one process of four was slow, or there are too few to tell."""
    what = results(ran(A), finals=(final(A.id, load_ms=processes),))
    assert says in why_not(A.id, what, Options(p99_below_ms=10.0))


def test_who_is_below_the_limit_in_every_process_wins() -> None:
    load = tuple((5.0 + 0.01 * number,) * 60 for number in range(8))
    what = results(ran(A), finals=(final(A.id, call_ms=(50.0,) * 400, load_ms=load),))
    assert winner(what, Options(p99_below_ms=10.0)) == A.id


def test_the_fastest_of_those_that_may_wins() -> None:
    finals = (final(A.id, math.log(1.5)), final(B.id, math.log(2)), final(AB.id, math.log(3)))
    guarded = {A.id: KEPT, B.id: KEPT, AB.id: LOST}
    assert winner(results(ran(A), ran(B), ran(AB), finals=finals, guarded=guarded)) == B.id


def test_of_two_as_fast_the_one_with_fewer_fixes_wins() -> None:
    assert winner(results(ran(AB), ran(A), finals=(final(AB.id), final(A.id)))) == A.id
    assert winner(results(ran(A), finals=(final(A.id),)), Options(p99_below_ms=5.0)) == A.id


def reported(what: Results) -> dict[str, Trial]:
    return {trial.id: trial for trial in trials(what, FIXES, OPTIONS, winner(what))}


@pytest.mark.parametrize(
    ("heat", "says"),
    [
        (Heat(A, failure="It crashed with SIGSEGV during open."), "SIGSEGV"),
        (ran(A, failure="It hung: turn took more than 20 s and was ended."), "It hung"),
        (Heat(A, ran(A).workload, lost="It answers NaN."), "NaN"),
        (Heat(A, ran(A).workload, nothing_changed=True), "changes nothing"),
        (Heat(A, ran(A).workload), "budget"),
        (ran(A, -0.5, 30), "In the race it is slower"),
        (ran(A, 0.0, 30), "In the race it is same"),
        (ran(A, 0.03, 9), "time for the race ended"),
        (replace(ran(A), log_ratios=(0.0, 0.05) * 20), "not clear of the noise"),
    ],
)
def test_whoever_does_not_win_is_told_why(heat: Heat, says: str) -> None:
    trial = reported(results(heat))[A.id]
    assert says in trial.reason
    assert trial.verdict != "faster"


def test_what_is_slower_says_what_its_fix_knows_of_this_machine() -> None:
    fix = made_fix("a", why_slower=lambda setting: f"no amx_bf16 among {len(setting.machine.flags)}")
    why = why_slower(known(fix, made_fix("b")))

    def reason(heat: Heat) -> str:
        return trials(results(heat), FIXES, OPTIONS, None, why=why)[0].reason

    assert reason(ran(A, -0.5, 30)).endswith("; no amx_bf16 among 1.")
    assert "amx_bf16" in reason(ran(AB, -0.5, 30))
    assert "amx_bf16" not in reason(ran(A, 0.0, 30)) + reason(ran(B, -0.5, 30))
    cut_short = reason(ran(A, -1.4, 5))
    assert "in all of its 5 pairs of turns it was slower, 0.25× to 0.25×; no amx_bf16" in cut_short
    assert reason(ran(A, -1.4, 2)).endswith("from the original.") and "slower" not in reason(ran(A, 0.03, 5))
    assert "slow rather than stuck: no amx_bf16" in reason(Heat(A, failure="It hung: open took more than 60 s."))
    assert "amx_bf16" not in reason(Heat(A, failure="It crashed.")) + reason(Heat(B, failure="It hung."))


def test_failures_are_failed_whatever_the_race_showed() -> None:
    assert reported(results(ran(A, 0.7, failure="It crashed.")))[A.id].verdict == "failed"
    late = reported(results(ran(A, 0.7), failures={A.id: "Its bundle could not be written."}))[A.id]
    assert (late.verdict, late.reason) == ("failed", "Its bundle could not be written.")


def test_lost_outputs_are_in_the_trial() -> None:
    outputs = reported(results(Heat(A, ran(A).workload, lost="It answers NaN.")))[A.id].outputs
    assert outputs == Guarded("lost", "It answers NaN.")


def test_who_was_set_aside_and_who_fell_behind() -> None:
    found = reported(
        results(ran(A), ran(B), ran(AB), finals=(final(A.id),), set_aside={B.id: "Its answers are wrong."})
    )
    assert found[B.id].reason == "Its answers are wrong."
    assert found[AB.id].reason == "It fell behind the leader in the race."
    assert found[A.id].reason == ""


def test_a_finalist_that_is_beaten_says_so() -> None:
    found = reported(results(ran(A), ran(B), finals=(final(A.id, math.log(1.5)), final(B.id))))
    assert found[A.id].reason == "Another finalist is faster."


def test_the_winner_comes_first_then_the_fastest_and_failures_last() -> None:
    failed = Heat(variant("c"), failure="It crashed.")
    what = results(failed, ran(A, math.log(9)), ran(B), ran(AB), finals=(final(B.id),))
    assert [trial.id for trial in trials(what, FIXES, OPTIONS, B.id)] == [B.id, A.id, AB.id, "original", failed.id]


def test_the_original_is_a_trial_where_there_were_finals() -> None:
    assert "original" not in reported(results(ran(A)))
    original = reported(results(ran(A), finals=(final(A.id),)))["original"]
    assert original.latency_ms is not None
    assert (original.latency_ms.p50, original.throughput, original.peak_memory_bytes) == (10.0, 100.0, 10**7)


def test_the_finals_replace_the_race() -> None:
    trial = reported(results(ran(A, math.log(9), build_s=2.0, setup_s=3.0), finals=(final(A.id),)))[A.id]
    assert trial.speedup is not None
    assert (trial.speedup.point, trial.speedup.process_pairs, trial.speedup.turn_pairs) == (pytest.approx(2), 3, 75)
    assert (trial.throughput, trial.artefact_bytes, trial.setup_s) == (pytest.approx(200), 1234, 5.0)
    assert trial.tag == "exact"
    assert len(trial.race_log_ratios) == 30


@pytest.mark.parametrize(
    ("build_s", "setup_s", "ratio", "requests"),
    [
        (10.0, 3.0, math.log(2), 12 / 0.005),
        (0.0, 1.0, math.log(2), 2 / 0.005),
        (10.0, 3.0, 0.0, None),
        (9.0, 3.0, -0.5, None),
    ],
)
def test_break_even(build_s: float, setup_s: float, ratio: float, requests: float | None) -> None:
    found = break_even(ran(A, build_s=build_s, setup_s=setup_s), final(A.id, ratio))
    assert found == (None if requests is None else pytest.approx(requests))


def test_percentiles_have_the_interval_of_the_last() -> None:
    found = percentiles(tuple(float(number) for number in range(1, 1001)))
    assert (found.p50, found.p90, found.p99, found.n) == (500.5, 900.1, 990.0, 1000)
    assert found.p99_low < 990 < found.p99_high <= 1000
    assert math.isinf(percentiles((1.0, 2.0)).p99_high)


def test_one_process_pair_proves_nothing() -> None:
    alone = replace(final(A.id), log_ratios=((0.7,) * 25,))
    assert not final_speedup(alone).bounded
    assert winner(results(ran(A), finals=(alone,))) is None


def test_a_finished_heat_is_told_as_the_trial_that_it_is_so_far() -> None:
    told: list[Event] = []
    tell = telling_trials(told.append, FIXES, OPTIONS, math.inf)
    heat = ran(A, pairs=30)
    tell(Event("race", "a", heat.id, speedup(heat.log_ratios, 0.00125), payload=heat))
    tell(Event("race", "b", payload=Heat(B, failure="It crashed.")))
    tell(Event("note", "as it is"))
    first, second, third = (event.payload for event in told)
    assert (first.verdict, first.reason, second.verdict, second.reason, third) == (
        "faster", "", "failed", "It crashed.", None
    )  # fmt: skip


def test_energy_is_per_1000_requests_of_each_side_where_it_was_measured() -> None:
    measured = results(ran(A), finals=(final(A.id, joules=20.0, original_joules=50.0),))
    shown = {trial.id: trial.joules_per_1000 for trial in trials(measured, FIXES, OPTIONS, A.id)}
    assert shown == {A.id: pytest.approx(50.0), "original": pytest.approx(125.0)}
    unknown = trials(results(ran(A), finals=(final(A.id),)), FIXES, OPTIONS, A.id)
    assert {trial.joules_per_1000 for trial in unknown} == {None}
