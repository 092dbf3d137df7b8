"""The user's metric as a paired loss."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import pytest
from tests.verify.samples import accuracy, decisions, pair_correlation, words

from unslow.core.errors import BadInput, BadUsage
from unslow.verify.losses import MOST_RESAMPLES
from unslow.verify.metric import check_metric, judge_metric, resamples_that_fit
from unslow.verify.outputs import Answers

RESAMPLES = 400
RUNS = 80
ALPHA = 0.05


def judged(*args: Any, **more: Any):
    return judge_metric(accuracy, *args, **{"tolerance": 0.02, "resamples": RESAMPLES, **more})


def test_few_samples_without_a_changed_decision_are_unproven():
    outcome = judged(*decisions(50, 0, 0))
    assert outcome.verdict == "unproven"
    assert outcome.needed is not None
    assert judged(*decisions(outcome.needed, 0, 0)).verdict == "kept"


def test_a_loss_as_large_as_the_tolerance_needs_no_samples_but_another_variant():
    outcome = judged(*decisions(500, 10, 0))
    assert (outcome.verdict, outcome.needed) == ("unproven", None)


def test_kept_and_lost():
    assert judged(*decisions(2000, 10, 8)).verdict == "kept"
    lost = judged(*decisions(500, 50, 0))
    assert lost.verdict == "lost"
    assert lost.estimate is not None
    assert lost.estimate.point == pytest.approx(0.1)
    assert "loses 0.1 [" in lost.reason.lower()
    json.dumps(asdict(lost))


def test_the_same_seed_gives_the_same_outcome():
    assert judged(*decisions(300, 4, 2), seed=7) == judged(*decisions(300, 4, 2), seed=7)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_metric_that_is_no_number_on_the_original_is_bad_input(value: float):
    original, variant, labels = decisions(50, 0, 0)
    with pytest.raises(BadInput, match="on the original's outputs"):
        judge_metric(lambda outputs, labels: value, original, variant, labels, tolerance=0.01)


def test_a_metric_that_fails_on_the_original_is_bad_input_in_two_lines():
    def fails(outputs: Any, labels: Any) -> float:
        raise KeyError("missing")

    original, _, labels = decisions(50, 0, 0)
    with pytest.raises(BadInput, match="KeyError") as raised:
        check_metric(fails, original, labels)
    assert len(str(raised.value).splitlines()) == 2


def test_a_metric_that_finds_its_pairs_by_position_is_bad_input():
    table = words(0, 40, 100, 0.1)

    def by_position(outputs: Any, labels: Any) -> float:
        return pair_correlation(outputs[table.pairs], table.human)

    original, _, _ = table.as_texts()
    with pytest.raises(BadInput, match="in another order"):
        check_metric(by_position, original, None)


def divides(outputs: Any, labels: Any) -> float:
    return 1 / int(np.min(outputs))


def nothing(outputs: Any, labels: Any) -> float:
    return math.nan if np.any(np.asarray(outputs) == 0) else 1.0


@pytest.mark.parametrize(("metric", "reason"), [(divides, "ZeroDivisionError"), (nothing, "nan")])
def test_a_metric_that_fails_on_the_variant_is_lost(metric: Callable[[Any, Any], float], reason: str):
    outcome = judge_metric(metric, *decisions(50, 1, 0), tolerance=0.5)
    assert outcome.verdict == "lost"
    assert reason in outcome.reason


def test_another_structure_is_lost():
    original, variant, labels = decisions(50, 0, 0)
    assert judged(original, variant.take(range(49)), labels).verdict == "lost"


def test_a_metric_that_ignores_repeats_never_says_kept():
    original, variant, labels = decisions(2000, 2, 2, both_wrong=300)
    numbers = np.arange(len(labels))

    def once(outputs: Any, which: Any) -> float:
        _, first = np.unique(which, return_index=True)
        return float(np.mean(np.asarray(outputs)[first]))

    outcome = judge_metric(once, original, variant, numbers, tolerance=0.02, resamples=RESAMPLES)
    assert outcome.verdict == "unproven"
    assert "repeat" in outcome.reason
    assert judged(original, variant, labels).verdict == "kept"


def test_senseless_arguments_are_refused():
    case = decisions(50, 0, 0)
    with pytest.raises(BadUsage, match="tolerance"):
        judged(*case, tolerance=math.nan)
    with pytest.raises(BadUsage, match="alpha"):
        judged(*case, alpha=0.7)
    with pytest.raises(BadInput, match="3 groups for 50 samples"):
        judged(*case, groups=[1, 2, 3])
    with pytest.raises(BadInput, match="no evaluation requests"):
        judged(Answers(()), Answers(()), [])


def test_labels_keep_their_kind_and_default_to_the_numbers_of_the_requests():
    seen: list[Any] = []

    def watch(outputs: Any, labels: Any) -> float:
        seen.append(labels)
        return 1.0

    original, _, labels = decisions(20, 0, 0)
    check_metric(watch, original, labels)
    check_metric(watch, original, tuple(labels.tolist()))
    check_metric(watch, original, None)
    assert isinstance(seen[0], np.ndarray)
    assert isinstance(seen[2], list)
    assert seen[4] == list(range(20))


def test_rows_of_one_batch_are_drawn_together():
    """40 requests of 50 rows; two requests are spoilt whole: rows look like certainty, requests do not."""
    original = Answers.of([[np.ones((50, 1))] for _ in range(40)])
    variant = Answers.of([[np.full((50, 1), float(i > 1))] for i in range(40)])
    first, second = (Answers.of([[row[None]] for (leaf,) in a.leaves for row in leaf]) for a in (original, variant))
    whole = judge_metric(hit_rate, original, variant, np.ones(2000), tolerance=0.08, resamples=RESAMPLES)
    rows = judge_metric(hit_rate, first, second, np.ones(2000), tolerance=0.08, resamples=RESAMPLES)
    assert (rows.verdict, whole.verdict) == ("kept", "unproven")
    assert whole.estimate is not None
    assert whole.estimate.n == 40


def hit_rate(outputs: Any, labels: Any) -> float:
    return float(np.mean(np.asarray(outputs)[:, 0] == labels))


def test_a_slice_that_loses_decides_and_a_small_one_is_named():
    original, variant, labels = decisions(1000, 12, 0)
    names = ["rare"] * 20 + ["common"] * 980
    outcome = judged(original, variant, labels, tolerance=0.05, slices=names)
    assert outcome.verdict == "lost"
    assert outcome.worst_slice is not None
    assert outcome.worst_slice.name == "rare"
    assert "'rare'" in outcome.reason
    assert outcome.estimate is not None
    assert outcome.estimate.high < 0.05
    small = judged(*decisions(1000, 0, 0), tolerance=0.05, slices=["tiny"] * 4 + ["rest"] * 996)
    assert small.verdict == "unproven"
    assert "'tiny': 4 requests are too few" in small.reason


def test_resampling_pairs_says_kept_and_resampling_words_unproven():
    """What WordSim-353 showed: pairs that share a word err together, so pairs flatter."""
    table = words(3, 60, 353, 0.12)
    arguments: dict[str, Any] = {"tolerance": 0.02, "resamples": RESAMPLES}
    by_pair = judge_metric(pair_correlation, *table.as_pairs(), table.human, **arguments)
    groups = [tuple(pair) for pair in table.pairs.tolist()]
    by_word = judge_metric(pair_correlation, *table.as_pairs(), table.human, groups=groups, **arguments)
    by_text = judge_metric(table.metric(), *table.as_texts(), **arguments)
    assert by_pair.verdict == "kept"
    assert (by_word.verdict, by_text.verdict) == ("unproven", "unproven")
    assert by_word.details["resampled"] == "groups"
    assert by_word.estimate is not None
    assert by_text.estimate is not None
    assert by_word.estimate.point == pytest.approx(by_text.estimate.point)
    assert by_word.estimate.high == pytest.approx(by_text.estimate.high, rel=0.25)


def judged_in(seconds: float, call_s: float, **more: Any) -> tuple[Any, int]:
    """Accuracy that takes so long a call on all samples, by a clock that only its calls move; the outcome, and what
    the calls took, in calls on all samples."""
    rows = 0

    def metric(outputs: Any, labels: Any) -> float:
        nonlocal rows
        rows += len(outputs)
        return accuracy(outputs, labels)

    def clock() -> float:
        return rows / 400 * call_s

    original, variant, labels = decisions(400, 0, 0)
    outcome = judge_metric(metric, original, variant, labels, tolerance=0.02, seconds=seconds, clock=clock, **more)
    return outcome, round(rows / 400)


def test_a_fast_metric_has_all_its_resamples():
    unlimited, calls = judged_in(math.inf, 0.001)
    assert calls > 2 * 2000
    assert judged_in(1000.0, 0.001) == (unlimited, calls)
    assert unlimited.verdict == "kept"


@pytest.mark.parametrize("slices", [None, ["a"] * 200 + ["b"] * 200])
def test_a_slower_metric_has_as_many_resamples_as_fit(slices: Any):
    outcome, calls = judged_in(40.0, 0.01, slices=slices)
    assert 1500 < calls < 1.1 * 40.0 / 0.01
    assert outcome.verdict == "kept"


def test_a_small_alpha_does_not_ask_for_more_than_what_fits():
    _, calls = judged_in(20.0, 0.01, alpha=0.0005)
    assert calls < 1.1 * 20.0 / 0.01


def test_a_metric_that_is_too_slow_to_be_resampled_proves_nothing_and_costs_no_time():
    outcome, calls = judged_in(30.0, 1.0)
    assert outcome.verdict == "unproven"
    assert "takes 1 s" in outcome.reason
    assert "--budget" in outcome.reason
    assert calls < 10
    json.dumps(asdict(outcome))


def test_what_fits():
    assert resamples_that_fit(0.0, 10.0, 50) == resamples_that_fit(1.0, math.inf, 50) == MOST_RESAMPLES
    assert resamples_that_fit(0.01, 10.0, 100) == 400
    assert resamples_that_fit(0.01, 10.0, 100, parts=2) == 150
    assert resamples_that_fit(0.01, 10.0, 10_000) == 0


def false_kept(verdicts: Sequence[str]) -> float:
    return verdicts.count("kept") / len(verdicts)


MARGIN = 3 * math.sqrt(ALPHA * (1 - ALPHA) / RUNS)


def test_false_kept_of_a_correlation_over_words():
    """The variant loses exactly the tolerance among all words; 40 of them are seen, in 200 pairs."""
    tolerance = words(0, 30_000, 200_000, 0.12).loss
    verdicts: list[str] = []
    for seed in range(1, RUNS + 1):
        table = words(seed, 40, 200, 0.12)
        arguments: dict[str, Any] = {"tolerance": tolerance, "seed": seed, "resamples": 200}
        groups = [tuple(pair) for pair in table.pairs.tolist()]
        verdicts.append(
            judge_metric(pair_correlation, *table.as_pairs(), table.human, groups=groups, **arguments).verdict
        )
    assert false_kept(verdicts) <= ALPHA + MARGIN


def test_power_of_a_correlation_over_words():
    """A harmless variant, 100 words in 600 pairs."""
    verdicts: list[str] = []
    for seed in range(10):
        table = words(seed, 100, 600, 0.03)
        original, variant, labels = table.as_texts()
        outcome = judge_metric(table.metric(), original, variant, labels, tolerance=0.03, resamples=200)
        verdicts.append(outcome.verdict)
    assert false_kept(verdicts) >= 0.8
