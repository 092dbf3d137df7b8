"""The guard, with processes that act: what a variant must do to lose its outputs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from acting import WIDTH, Script, bench, facts, failing, requests
from unslow.core.errors import BadInput, CannotRun, MissingExtra, WorkerFailed
from unslow.core.heat import Heat
from unslow.core.options import Options
from unslow.core.trial import Guarded
from unslow.core.variant import Applied, Variant
from unslow.core.workload import Inference, Model
from unslow.measure.bench import Bench, build
from unslow.measure.heats import Original
from unslow.measure.opening import Opening, open_side, original_opening
from unslow.verify.guard import Guard

WEIGHTS = np.random.default_rng(7).normal(size=(WIDTH, 5)).astype(np.float32)
N = 24
FIX = Variant((Applied("int8-dynamic"),))


def model(who: str, settings: Mapping[str, Any], request: Mapping[str, Any]) -> list[Any]:
    return [request["x"] @ WEIGHTS]


def changed(how: Any) -> Any:
    """Everybody answers as the original, the variant after `how`."""

    def answers(who: str, settings: Mapping[str, Any], request: Mapping[str, Any]) -> list[Any]:
        leaves = model(who, settings, request)
        return leaves if who == "original" else how(leaves)

    return answers


def script(answers: Any = model, **fields: Any) -> Script:
    asked = requests(N)
    fields.setdefault("inference", Inference(None, asked))
    return Script(answers, requests=asked, **fields)


def guarded(folder: Path, acted: Script, tag: str = "lossy", **known: Any) -> Guarded:
    stage = bench(acted, folder, facts(N, **known))
    guard = Guard(stage, Options())
    try:
        return guard.judge(entry(stage), tag, 1)
    finally:
        guard.close()


def entry(stage: Bench) -> Heat:
    return Heat(FIX, build(stage, FIX).workload)


def glance(folder: Path, acted: Script) -> str:
    stage = bench(acted, folder, facts(N))
    heat = entry(stage)
    assert heat.workload is not None
    original = open_side(stage, original_opening(stage, stage.race_order))
    variant = open_side(stage, Opening(heat.id, heat.workload, stage.race_order))
    return Guard(stage, Options()).check_subset(original, variant, heat)


def test_the_same_answers_are_kept(tmp_path: Path) -> None:
    acted = script()
    assert glance(tmp_path / "a", acted) == ""
    said = guarded(tmp_path / "b", acted, "exact")
    assert said.verdict == "kept" and said.numeric["details"]["rule"] == "bit-equal" and said.drift == {}
    assert acted.asked("answers_to") == ["original"]  # While it is open; nobody is compared with that.


def test_a_little_off_is_no_gross_error(tmp_path: Path) -> None:
    assert glance(tmp_path, script(changed(lambda leaves: [leaves[0] * 1.3]))) == ""


def test_few_samples_leave_a_lossy_variant_unproven(tmp_path: Path) -> None:
    said = guarded(tmp_path, script(changed(lambda leaves: [leaves[0] * 1.01])))
    assert said.verdict == "unproven" and said.agreement["verdict"] == "unproven" and not said.numeric


@pytest.mark.parametrize(
    ("how", "words"),
    [
        (lambda leaves: [leaves[0] * np.nan], "NaN"),
        (lambda leaves: [leaves[0][:, :3]], "(1, 3)"),
        (lambda leaves: [*leaves, leaves[0]], "the variant 2"),
        (lambda leaves: [np.argmax(leaves[0], axis=-1)], "int64"),
        (lambda leaves: [-leaves[0]], "relative error 2"),
    ],
)
def test_what_is_lost_beyond_doubt_is_seen_at_a_glance(tmp_path: Path, how: Any, words: str) -> None:
    assert words in glance(tmp_path / "a", script(changed(how)))
    said = guarded(tmp_path / "b", script(changed(how)))
    assert said.verdict == "lost" and said.drift == {}


def test_labels_alone_are_not_judged_at_a_glance(tmp_path: Path) -> None:
    def labels(who: str, settings: Mapping[str, Any], request: Mapping[str, Any]) -> list[Any]:
        return [np.array([0 if who == "original" else 1])]

    assert glance(tmp_path / "a", script(labels)) == ""
    assert guarded(tmp_path / "b", script(labels)).verdict == "lost"


@pytest.mark.parametrize(("patience_s", "waits"), [(None, 900.0), (5.0, 5.0), (7200.0, 7200.0)])
def test_answers_and_the_judge_have_as_long_as_the_user_is_patient(
    tmp_path: Path, patience_s: float | None, waits: float
) -> None:
    acted = script(changed(lambda leaves: [leaves[0] * 1.01]))
    stage = replace(bench(acted, tmp_path, facts(N, seconds_per_request=0.01)), patience_s=patience_s)
    guard = Guard(stage, Options())
    guard.judge(entry(stage), "lossy", 1)
    guard.close()
    asked = ("answers", "answers_to", "check_metric", "judge")
    assert {job for job, _ in acted.timeouts} >= set(asked)
    assert {seconds for job, seconds in acted.timeouts if job in asked} == {waits}


def test_a_variant_that_fails_is_lost_with_its_reason(tmp_path: Path) -> None:
    assert guarded(tmp_path / "a", script(jobs={"open": only_original(failing("It crashed."))})).reason == "It crashed."
    never = Guard(bench(script(), tmp_path / "b", facts(N)), Options()).judge(Heat(FIX), "lossy", 1)
    assert never.verdict == "lost"


def only_original(otherwise: Any) -> Any:
    def job(original: bool = False, **arguments: Any) -> Any:
        return {"setup_s": 1.0, "first_s": 0.1, "granularity": 1} if original else otherwise(**arguments)

    return job


def divides(outputs: Any, labels: Any) -> float:
    return 1 / 0


def nothing(outputs: Any, labels: Any) -> float:
    return math.nan


def prepared(folder: Path, acted: Script, **known: Any) -> None:
    stage = bench(acted, folder, facts(N, **known))
    guard, original = Guard(stage, Options()), Original(stage)
    try:
        guard.prepare(original.opened)
    finally:
        guard.close()
        original.close()


def test_without_a_metric_nothing_is_prepared(tmp_path: Path) -> None:
    acted = script()
    prepared(tmp_path, acted)
    assert acted.diary == []


@pytest.mark.parametrize(("metric", "says"), [(divides, "ZeroDivisionError"), (nothing, "nan")])
def test_a_metric_that_cannot_be_used_is_said_before_anything_is_tried(tmp_path: Path, metric: Any, says: str) -> None:
    acted = script(inference=Inference(None, requests(N), labels=list(range(N)), metric=metric))
    for _ in range(2):  # A run that goes on checks it again.
        with pytest.raises(BadInput, match=says) as raised:
            prepared(tmp_path, acted, has_metric=True, labelled=True)
        assert len(str(raised.value).splitlines()) == 2


def test_what_was_prepared_is_not_asked_for_again(tmp_path: Path) -> None:
    metric = Inference(None, requests(N), labels=list(range(N)), metric=lambda outputs, labels: float(outputs.mean()))
    acted = script(inference=metric)
    for _ in range(2):
        prepared(tmp_path, acted, has_metric=True, labelled=True)
    assert acted.asked("answers") == ["original"] and len(acted.asked("check_metric")) == 1


def test_an_original_that_cannot_answer_is_the_users_matter(tmp_path: Path) -> None:
    acted = script(jobs={"answers": failing("The model raised ValueError.")})
    with pytest.raises(BadInput, match="ValueError"):
        guarded(tmp_path, acted)


def test_the_users_metric_decides(tmp_path: Path) -> None:
    right = [int(np.argmax(request["x"] @ WEIGHTS)) for request in requests(N)]
    inference = Inference(None, requests(N), labels=right, metric=lambda o, y: float(np.mean(np.argmax(o, -1) == y)))
    said = guarded(tmp_path, script(changed(lambda leaves: [-leaves[0]]), inference=inference))
    assert said.verdict == "lost" and said.metric["verdict"] == "lost" and said.metric["estimate"]["point"] > 0.5


def test_an_original_with_dropout_is_compared_in_evaluation_mode(tmp_path: Path) -> None:
    noise = np.random.default_rng(1)

    def answers(who: str, settings: Mapping[str, Any], request: Mapping[str, Any]) -> list[Any]:
        still = who != "original" or settings.get("eval")
        return [model(who, settings, request)[0] + (0 if still else noise.normal(size=(1, 5)))]

    assert guarded(tmp_path / "a", script(answers), "numeric").verdict != "kept"
    said = guarded(tmp_path / "b", script(answers), "numeric", training=("dropout",))
    assert said.verdict == "kept"
    assert Guard(bench(script(), tmp_path / "c", facts(N, training=("dropout",))), Options()).in_evaluation_mode


def test_a_judge_that_fails_costs_its_verdict_and_the_next_one_has_a_new_judge(tmp_path: Path) -> None:
    once = iter([failing("It hung: judge took more than 900 s and was ended.")])

    def judged(**arguments: Any) -> Any:
        return next(once, lambda **_: Guarded("kept", ""))(**arguments)

    acted = script(changed(lambda leaves: [leaves[0] * 1.01]), jobs={"judge": judged})
    stage = bench(acted, tmp_path, facts(N, seconds_per_request=0.01))
    guard = Guard(stage, Options())
    first, second = (guard.judge(entry(stage), "lossy", 2) for _ in range(2))
    guard.close()
    assert (first.verdict, second.verdict) == ("unproven", "kept")
    assert "It hung: judge took more than 900 s" in first.reason
    assert first.drift == {}
    assert acted.started.count("judge") == 2


def test_judges_that_do_not_fail_are_one(tmp_path: Path) -> None:
    acted = script(changed(lambda leaves: [leaves[0] * 1.01]))
    stage = bench(acted, tmp_path, facts(N))
    guard = Guard(stage, Options())
    for _ in range(2):
        guard.judge(entry(stage), "lossy", 2)
    guard.close()
    assert acted.started.count("judge") == 1


def test_what_a_metric_lacks_is_the_environment_s_matter(tmp_path: Path) -> None:
    def lacks(**_: Any) -> Any:
        raise MissingExtra("scipy", "numerics", "The metric")

    with pytest.raises(CannotRun, match="scipy"):
        guarded(tmp_path, script(jobs={"check_metric": lacks}))


def test_the_error_rate_is_shared(tmp_path: Path) -> None:
    seen: list[float] = []

    def judged(case: Any, **_: Any) -> Any:
        seen.append(case["alpha"])
        return Guarded("lost", "")

    stage = bench(script(jobs={"judge": judged}), tmp_path, facts(N))
    Guard(stage, Options(alpha=0.06)).judge(entry(stage), "lossy", 3)
    assert seen == [pytest.approx(0.02)]


def test_reasons_that_stay_do_not_drift(tmp_path: Path) -> None:
    acted = script(changed(lambda leaves: [leaves[0] * 1.01]))
    drift = guarded(tmp_path, acted, seconds_per_request=0.01).drift
    assert drift["estimate"]["point"] == pytest.approx(1) and drift["groups"] == WIDTH
    assert drift["requests"] == drift["estimate"]["n"] >= 10
    assert acted.asked("answers_to") == ["original", "int8-dynamic"]


def test_a_variant_that_looks_elsewhere_drifts(tmp_path: Path) -> None:
    """It gives the same answers to the user's requests, by other reasons."""
    known = {request["x"].tobytes(): request["x"] for request in requests(N)}

    def answers(who: str, settings: Mapping[str, Any], request: Mapping[str, Any]) -> list[Any]:
        if who == "original" or request["x"].tobytes() in known:
            return [model(who, settings, request)[0] * (1 if who == "original" else 1.001)]
        return [model(who, settings, {"x": request["x"][:, ::-1]})[0]]

    drift = guarded(tmp_path, script(answers), seconds_per_request=0.01).drift
    assert drift["estimate"]["high"] < 0.9


@pytest.mark.parametrize(
    "known", [{"carried": True}, {"flat_inputs": False}, {"seconds_per_request": 5.0}, {"seconds_per_request": 0.5}]
)
def test_what_hangs_together_or_costs_too_much_is_not_explained(tmp_path: Path, known: dict[str, Any]) -> None:
    acted = script(changed(lambda leaves: [leaves[0] * 1.01]))
    assert guarded(tmp_path, acted, **known).drift == {} and acted.asked("answers_to") == []


def test_answers_without_reals_are_not_explained(tmp_path: Path) -> None:
    def labels(who: str, settings: Mapping[str, Any], request: Mapping[str, Any]) -> list[Any]:
        return [np.argmax(model(who, settings, request)[0], axis=-1)]

    assert guarded(tmp_path, script(labels)).drift == {}


def test_a_verdict_stands_when_explaining_fails(tmp_path: Path) -> None:
    acted = script(changed(lambda leaves: [leaves[0] * 1.01]), jobs={"answers_to": failing("It ran out of memory.")})
    said = guarded(tmp_path, acted)
    assert said.verdict == "unproven" and said.drift == {"unknown": "It ran out of memory."}


def test_the_original_answers_once(tmp_path: Path) -> None:
    acted = script(changed(lambda leaves: [leaves[0] * 1.01]))
    stage = bench(acted, tmp_path, facts(N))
    heat = entry(stage)
    other = Variant((Applied("bfloat16"),))
    guard = Guard(stage, Options())
    guard.judge(heat, "lossy", 2)
    guard.judge(replace(heat, variant=other), "lossy", 2)
    assert acted.asked("answers").count("original") == acted.asked("answers_to").count("original") == 1
    assert acted.asked("check_metric") == [""]


def test_the_float64_run_is_the_originals_own(tmp_path: Path) -> None:
    def answers(who: str, settings: Mapping[str, Any], request: Mapping[str, Any]) -> list[Any]:
        wide = settings.get("dtype") == "float64"
        exact = request["x"].astype(np.float64) @ WEIGHTS.astype(np.float64)
        return [exact if wide else (exact * (1.003 if who == "original" else 1.002)).astype(np.float32)]

    known = {"framework": "torch", "parameter_bytes": {"float32": 120}}
    said = guarded(tmp_path / "a", script(answers), "numeric", **known)
    assert said.verdict == "kept" and said.numeric["details"]["against"] == "reference"
    assert guarded(tmp_path / "b", script(answers), "numeric").numeric["verdict"] == "lost"


def test_settings_of_the_original_stay(tmp_path: Path) -> None:
    seen: list[Mapping[str, Any]] = []

    def answers(who: str, settings: Mapping[str, Any], request: Mapping[str, Any]) -> list[Any]:
        seen.append(settings)
        return model(who, settings, request)

    stage = bench(script(answers), tmp_path, facts(N, training=("dropout",)))
    stage = replace(stage, original=replace(stage.original, model=Model("function", "", {"inputs": ["x"]})))
    Guard(stage, Options()).original_answers()
    assert seen[0] == {"inputs": ["x"], "eval": True}


def wide_answers(who: str, settings: Mapping[str, Any], request: Mapping[str, Any]) -> list[Any]:
    exact = request["x"].astype(np.float64) @ WEIGHTS.astype(np.float64)
    return [exact if settings.get("dtype") == "float64" else (exact * (1 + 1e-7 * (who != "original"))).astype("f4")]


@pytest.mark.parametrize(("seconds", "asked"), [(1.0, 0), (0.25, 8), (0.05, N)])
def test_the_float64_run_takes_as_many_requests_as_there_is_time_for(
    tmp_path: Path, seconds: float, asked: int
) -> None:
    acted, counted = script(wide_answers), []
    known = {"framework": "torch", "parameter_bytes": {"float32": 120}, "seconds_per_request": seconds}
    said = guarded(tmp_path, acted, "numeric", **known)
    assert said.verdict == "kept"
    if (tmp_path / "work" / "answers" / "float64.npz").exists():
        counted = np.load(tmp_path / "work" / "answers" / "float64.npz").files
    assert len(counted) == asked
    assert said.numeric["details"].get("against", "reference") == ("reference" if asked else "original")


def test_an_original_that_answers_differently_each_time_is_asked_twice_for_exact_fixes(tmp_path: Path) -> None:
    noise = np.random.default_rng(1)

    def answers(who: str, settings: Mapping[str, Any], request: Mapping[str, Any]) -> list[Any]:
        size = 1e-2 if who == "original" else 1e-4
        return [(model(who, settings, request)[0] + size * noise.normal(size=(1, 5))).astype(np.float32)]

    assert guarded(tmp_path / "a", script(answers), "exact").verdict != "kept"
    said = guarded(tmp_path / "b", script(answers), "numeric", stochastic=True)
    assert said.verdict != "kept" and not (tmp_path / "b" / "work" / "answers" / "original-again.npz").exists()
    said = guarded(tmp_path / "c", script(answers), "exact", stochastic=True)
    assert said.verdict == "kept" and said.numeric["details"]["rule"] == "run-to-run"


@pytest.mark.parametrize("n", [1, 3, 8, 24, 500])
def test_the_places_of_a_glance_are_spread_over_all(tmp_path: Path, n: int) -> None:
    places = Guard(bench(script(), tmp_path, facts(n)), Options())._places(8)  # pyright: ignore[reportPrivateUsage]
    assert len(places) == min(8, n) and places[-1] == n - 1
    hanging = Guard(bench(script(), tmp_path, facts(n, carried=True)), Options())
    assert hanging._places(8) == list(range(min(8, n)))  # pyright: ignore[reportPrivateUsage]


def test_an_original_that_cannot_run_in_float64_is_not_asked_again(tmp_path: Path) -> None:
    tried: list[str] = []

    def answers(who: str, settings: Mapping[str, Any], request: Mapping[str, Any]) -> list[Any]:
        if settings.get("dtype") == "float64":
            tried.append(who)
            raise WorkerFailed("It casts inside itself.")
        return wide_answers(who, settings, request)

    known = {"framework": "torch", "parameter_bytes": {"float32": 120}, "seconds_per_request": 0.01}
    stage = bench(script(answers), tmp_path, facts(N, **known))
    guard = Guard(stage, Options())
    for _ in range(2):
        assert "no float64 run" in guard.judge(entry(stage), "numeric", 1).reason
    guard.close()
    assert len(tried) == 1
