"""Drift of explanations."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from unslow.core.errors import BadInput
from unslow.verify.explanations import attributions, attributions_from, drift, plan_perturbations, spearman

RANDOM = np.random.default_rng(0)


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=3, max_size=30))
def test_spearman_with_ties_is_scipys(pairs: list[tuple[int, int]]):
    x, y = np.array(pairs).T
    if len(set(x)) > 1 and len(set(y)) > 1:
        assert spearman(x, y) == pytest.approx(stats.spearmanr(x, y).statistic, abs=1e-12)
    else:
        assert np.isnan(spearman(x, y))


@pytest.mark.parametrize(
    "request_",
    [
        [np.ones((1, 8), np.bool_)],
        [np.array([[0, 1, 1, 0]])],
        [np.array(["text"])],
        [np.array([3.0])],
    ],
)
def test_nothing_to_occlude_is_bad_input(request_: list[np.ndarray]):
    with pytest.raises(BadInput, match="nothing to occlude"):
        plan_perturbations(request_, 4, 0)


def test_masks_are_left_alone_and_token_ids_stay_valid():
    ids, mask = np.array([[101, 7, 8, 9, 12, 102]]), np.array([[1, 1, 1, 1, 1, 0]])
    plan = plan_perturbations([ids, mask], 3, seed=1)
    assert plan.n_groups == 3
    for changed, same in plan.perturbed:
        assert changed.shape == ids.shape
        assert changed.dtype == ids.dtype
        assert set(changed.ravel()) <= set(ids.ravel())
        assert np.array_equal(same, mask)


def test_parts_cover_every_position_once():
    image = RANDOM.normal(size=(1, 3, 9, 7)).astype(np.float32)
    plan = plan_perturbations([image], 9, seed=0)
    touched = sum((one != image).astype(int) for (one,) in plan.perturbed)
    assert plan.n_groups == 9
    assert np.array_equal(touched, np.ones_like(image))


def test_the_plan_is_seeded_and_leaves_the_request_alone():
    ids = np.arange(12)[None]
    first, second = plan_perturbations([ids], 4, 5), plan_perturbations([ids], 4, 5)
    assert all(np.array_equal(a[0], b[0]) for a, b in zip(first.perturbed, second.perturbed, strict=True))
    assert np.array_equal(ids, np.arange(12)[None])


def linear(weights: np.ndarray) -> Callable[[list[np.ndarray]], np.ndarray]:
    def answer(leaves: list[np.ndarray]) -> np.ndarray:
        return leaves[0] @ weights

    return answer


def test_attributions_of_a_linear_model_are_its_terms():
    weights, x = RANDOM.normal(size=(6, 3)), RANDOM.normal(size=(1, 6))
    found = attributions(linear(weights), [x], 6, seed=0, target=1)
    assert found == pytest.approx((x[0] - x.mean()) * weights[:, 1])


def test_embeddings_are_explained_by_their_change():
    weights, x = RANDOM.normal(size=(6, 3)), RANDOM.normal(size=(1, 6))
    found = attributions(linear(weights), [x], 6, seed=0, scores=False)
    changes = np.array([np.linalg.norm((x[0, i] - x.mean()) * weights[i]) for i in range(6)])
    expected = changes / np.linalg.norm(x @ weights)
    assert found == pytest.approx(expected)


def test_missing_answers_are_bad_input():
    plan = plan_perturbations([np.arange(6.0)[None]], 3, 0)
    with pytest.raises(BadInput, match="3 perturbed requests have 2 answers"):
        attributions_from(plan, np.zeros((1, 2)), [np.zeros((1, 2))] * 2)


def attributions_of(weights: np.ndarray, n: int = 40) -> list[np.ndarray]:
    generator = np.random.default_rng(3)
    return [attributions(linear(weights), [generator.normal(size=(1, 16))], 16, 0, target=0) for _ in range(n)]


def test_drift_tells_unrelated_from_nearly_equal_reasons():
    weights = RANDOM.normal(size=(16, 4))
    original = attributions_of(weights)
    near = drift(original, attributions_of(weights + 0.01 * RANDOM.normal(size=weights.shape)))
    far = drift(original, attributions_of(RANDOM.normal(size=weights.shape)))
    assert near is not None
    assert far is not None
    assert near.low > 0.98
    assert near.unit == "rank correlation"
    assert far.high < 0.9


def test_drift_with_few_or_no_ranked_samples():
    few = drift([np.arange(4.0)] * 3, [np.arange(4.0)] * 3)
    assert few is not None
    assert (few.point, few.low, few.high, few.n) == (1.0, -1.0, 1.0, 3)
    assert drift([np.zeros(4)], [np.arange(4.0)]) is None
