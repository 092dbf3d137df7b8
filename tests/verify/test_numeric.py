"""`exact` and `numeric` fixes: the output error against the original's own."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from unslow.verify.numeric import ASSUMED_ERROR_EPS, errors, judge_numeric, original_error
from unslow.verify.outputs import Answers

RANDOM = np.random.default_rng(0)
WEIGHTS = [RANDOM.normal(size=(256, 256)) / 16 for _ in range(4)]
REQUESTS = [RANDOM.normal(size=(2, 256)) for _ in range(20)]


def network(request: np.ndarray, dtype: type, blocks: int = 1, noise: float = 0.0) -> np.ndarray:
    """A small network in `dtype`; `blocks` > 1 sums its inner products in another order."""
    x: NDArray[Any] = request.astype(dtype)
    for weights in WEIGHTS:
        w: NDArray[Any] = weights.astype(dtype) * dtype(1 + noise)
        terms = [x[:, part] @ w[part] for part in np.array_split(np.arange(256), blocks)]
        x = np.tanh(np.sum(terms, axis=0, dtype=dtype))
    return x


def answers(dtype: type, blocks: int = 1, noise: float = 0.0) -> Answers:
    return Answers.of([[network(r, dtype, blocks, noise)] for r in REQUESTS])


ORIGINAL, REFERENCE = answers(np.float32), answers(np.float64)


def test_damage_is_lost_with_and_without_a_reference():
    damaged = answers(np.float32, noise=3e-3)
    for reference in (REFERENCE, None):
        outcome = judge_numeric(ORIGINAL, damaged, reference)
        assert outcome.verdict == "lost"
        assert "is allowed" in outcome.reason
        assert outcome.details["beyond"] == len(REQUESTS)


def test_half_precision_is_lost():
    half = Answers.of([[leaf.astype(np.float16).astype(np.float32)] for (leaf,) in ORIGINAL.leaves])
    assert judge_numeric(ORIGINAL, half, REFERENCE).verdict == "lost"


def test_one_damaged_request_or_element_is_enough():
    leaves = [[leaf.copy()] for (leaf,) in ORIGINAL.leaves]
    leaves[7][0][1, 3] += 0.01
    outcome = judge_numeric(ORIGINAL, Answers.of(leaves), REFERENCE)
    assert outcome.verdict == "lost"
    assert "request 7" in outcome.reason
    assert outcome.details["beyond"] == 1


def test_nan_is_lost_where_the_original_is_finite_and_infinities_must_stay():
    leaves = [[leaf.copy()] for (leaf,) in ORIGINAL.leaves]
    leaves[0][0][0, 0] = np.nan
    assert "NaN" in judge_numeric(ORIGINAL, Answers.of(leaves), None).reason
    masked = Answers.of([[np.array([1.0, -np.inf])]])
    assert judge_numeric(masked, Answers.of([[np.array([1.0 + 1e-7, -np.inf])]])).verdict == "kept"
    assert judge_numeric(masked, Answers.of([[np.array([1.0, 5.0])]])).verdict == "lost"


def test_another_shape_is_lost_and_no_requests_prove_nothing():
    assert judge_numeric(ORIGINAL, ORIGINAL.take([0]), None).verdict == "lost"
    assert judge_numeric(Answers(()), Answers(()), None).verdict == "unproven"


def test_bit_equal_says_so():
    outcome = judge_numeric(ORIGINAL, answers(np.float32), exact=True)
    assert (outcome.verdict, outcome.details["rule"]) == ("kept", "bit-equal")


@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize("reference", [REFERENCE, None])
def test_reordered_sums_are_kept_by_the_numeric_rule(exact: bool, reference: Answers | None):
    outcome = judge_numeric(ORIGINAL, answers(np.float32, blocks=7), reference, exact=exact)
    assert (outcome.verdict, outcome.details["rule"]) == ("kept", "numeric")
    assert outcome.reason.startswith("Not bit-equal") == exact


def test_run_to_run_difference_of_the_original_is_allowed_to_an_exact_fix():
    damaged, again = answers(np.float32, noise=1e-3), answers(np.float32, noise=2e-3)
    assert judge_numeric(ORIGINAL, damaged, exact=True).verdict == "lost"
    outcome = judge_numeric(ORIGINAL, damaged, exact=True, again=again)
    assert (outcome.verdict, outcome.details["rule"]) == ("kept", "run-to-run")
    assert judge_numeric(ORIGINAL, again, exact=True, again=damaged).verdict == "lost"


def test_float64_to_float32_is_numeric_but_not_exact():
    assert judge_numeric(REFERENCE, ORIGINAL, REFERENCE).verdict == "kept"
    assert judge_numeric(REFERENCE, ORIGINAL, REFERENCE, exact=True).verdict == "lost"


def test_own_error_widens_the_allowance():
    ill = Answers.of([[leaf + 1e-3 * RANDOM.normal(size=leaf.shape)] for (leaf,) in REFERENCE.leaves])
    worse = Answers.of([[leaf + 4e-3 * RANDOM.normal(size=leaf.shape)] for (leaf,) in REFERENCE.leaves])
    assert judge_numeric(ill, worse, REFERENCE).verdict == "kept"
    assert judge_numeric(ill, worse, None).verdict == "lost"


def test_assumed_error_is_documented_and_measured_error_is_float32s():
    assert original_error(ORIGINAL, None) == pytest.approx(ASSUMED_ERROR_EPS * np.finfo(np.float32).eps)
    own = original_error(ORIGINAL, REFERENCE)
    assert np.all((own > 1e-8) & (own < 5e-6))


def test_near_zero_answers_are_measured_against_the_usual_size():
    truth = Answers.of([[np.ones(4)], [np.ones(4)], [np.zeros(4)]])
    close = Answers.of([[np.ones(4)], [np.ones(4)], [np.full(4, 1e-8)]])
    assert errors(close, truth).tolist() == pytest.approx([0, 0, 1e-5])


def labelled(scores: list[list[float]], labels: list[int] | None = None) -> Answers:
    tables = [np.array([row], np.float32) for row in scores]
    tops = [np.argmax(table, axis=-1) if labels is None else np.array([labels[i]]) for i, table in enumerate(tables)]
    return Answers.of([[table, top] for table, top in zip(tables, tops, strict=True)])


def test_labels_must_match_unless_their_scores_tie():
    original = labelled([[0.0, 5.0, 1.0], [3.0, 3.0 - 1e-6, 0.0]])
    tie = labelled([[0.0, 5.0, 1.0], [3.0 - 1e-6, 3.0, 0.0]])
    wrong = labelled([[0.0, 5.0, 1.0], [3.0, 3.0 - 1e-6, 0.0]], [2, 0])
    assert judge_numeric(original, wrong).verdict == "lost"
    assert judge_numeric(original, tie, exact=True).verdict == "lost"
    assert judge_numeric(original, tie).verdict == "kept"


def test_integers_without_scores_must_be_equal():
    original = Answers.of([[np.array([1, 2, 3])]])
    outcome = judge_numeric(original, Answers.of([[np.array([1, 2, 4])]]))
    assert outcome.verdict == "lost"
    assert "1 of 3 elements on request 0" in outcome.reason
    assert judge_numeric(original, Answers.of([[np.array([1, 2, 3], np.int32)]])).verdict == "kept"


def test_a_float64_run_of_some_requests_serves_for_all():
    places = [0, 5, 19]
    some = REFERENCE.take(places)
    damaged = answers(np.float32, noise=3e-3)
    assert judge_numeric(ORIGINAL, damaged, some, places=places).details["beyond"] == len(REQUESTS)
    leaves = [[leaf.copy()] for (leaf,) in ORIGINAL.leaves]
    leaves[7][0][1, 3] += 0.01
    assert "request 7" in judge_numeric(ORIGINAL, Answers.of(leaves), some, places=places).reason
    reordered = judge_numeric(ORIGINAL, answers(np.float32, blocks=8), some, places=places)
    assert reordered.verdict == "kept" and "of 3 requests" in reordered.reason
    assert judge_numeric(ORIGINAL, damaged, some, places=[0, 5]).verdict == "lost"
