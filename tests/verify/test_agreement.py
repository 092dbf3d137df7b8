"""Agreement with the original, without a metric."""

from __future__ import annotations

import numpy as np
import pytest

from unslow.core.errors import BadInput
from unslow.verify.agreement import distances, judge_agreement, looks_like_scores
from unslow.verify.outputs import Answers

RANDOM = np.random.default_rng(0)


def vectors(n: int, width: int = 64, unit: bool = True) -> np.ndarray:
    table = RANDOM.normal(size=(n, 1, width))
    return table / np.linalg.norm(table, axis=2, keepdims=True) if unit else table


def noisy(table: np.ndarray, relative: float) -> np.ndarray:
    noise = RANDOM.normal(size=table.shape)
    sizes = np.linalg.norm(table, axis=2, keepdims=True) / np.linalg.norm(noise, axis=2, keepdims=True)
    return table + relative * noise * sizes


def answers(table: np.ndarray) -> Answers:
    return Answers.of([[row] for row in table])


def logits(n: int, changed: int) -> tuple[Answers, Answers]:
    """Class scores of which the variant puts another class first on `changed` requests, at next to no distance."""
    table = RANDOM.normal(size=(n, 1, 10))
    top = np.sort(table, axis=2)[:, :, -1:]
    table = np.where(table == top, top + 0.5, table)
    first = table.argmax(axis=2)[:, 0]
    for i in range(changed):
        table[i, 0, (first[i] + 1) % 10] = table[i, 0, first[i]] - 1e-6
    variant = table.copy()
    for i in range(changed):
        variant[i, 0, first[i]] -= 1e-3
    return answers(table), answers(variant)


def test_few_requests_are_unproven_with_how_many_would_do():
    original, variant = logits(60, 0)
    outcome = judge_agreement(original, variant, tolerance=0.01)
    assert outcome.verdict == "unproven"
    assert outcome.needed is not None
    assert 290 < outcome.needed < 310
    assert "top-1" in outcome.reason
    again = judge_agreement(*logits(outcome.needed, 0), tolerance=0.01)
    assert again.verdict == "kept"


@pytest.mark.parametrize(("changed", "verdict"), [(2, "kept"), (8, "unproven"), (40, "lost")])
def test_top_1_agreement_against_its_exact_bound(changed: int, verdict: str):
    outcome = judge_agreement(*logits(1000, changed), tolerance=0.01)
    assert outcome.verdict == verdict
    assert outcome.estimate is not None
    assert outcome.estimate.unit == "top-1 agreement"
    assert outcome.estimate.point == pytest.approx(1 - changed / 1000)
    assert float(outcome.details["distance"]) < 1e-4


def test_equal_classes_with_other_scores_are_not_kept():
    original, _ = logits(1000, 0)
    flat = Answers.of([[leaf * 0.5] for (leaf,) in original.leaves])
    outcome = judge_agreement(original, flat, tolerance=0.01)
    assert outcome.verdict == "lost"
    assert outcome.estimate is not None
    assert outcome.estimate.unit == "distance"
    assert outcome.details["top_1_agreement"] == 1.0


def test_embeddings_are_compared_by_cosine():
    table = vectors(200)
    near = judge_agreement(answers(table), answers(noisy(table, 0.05)), tolerance=0.01)
    far = judge_agreement(answers(table), answers(noisy(table, 0.3)), tolerance=0.01)
    assert (near.verdict, far.verdict) == ("kept", "lost")
    assert near.estimate is not None
    assert near.estimate.unit == "distance"
    assert near.estimate.point == pytest.approx(0.05**2 / 2, rel=0.1)
    assert "top_1_agreement" not in near.details


def test_a_cosine_of_one_is_not_enough():
    table = vectors(200)
    assert judge_agreement(answers(table), answers(2 * table), tolerance=0.01).verdict == "lost"


def test_a_few_spoilt_answers_are_not_averaged_away_for_sure():
    table = vectors(100)
    spoilt = table.copy()
    spoilt[:1] = vectors(1)
    assert judge_agreement(answers(table), answers(spoilt), tolerance=0.02).verdict == "unproven"


def test_the_caller_may_say_whether_answers_are_scores():
    table = vectors(100, unit=False)
    original, variant = answers(table), answers(noisy(table, 0.01))
    assert "top_1_agreement" in judge_agreement(original, variant, tolerance=0.05).details
    assert "top_1_agreement" not in judge_agreement(original, variant, tolerance=0.05, scores=False).details
    unbatched = Answers.of([[leaf[0]] for (leaf,) in original.leaves])
    assert "top_1_agreement" not in judge_agreement(unbatched, unbatched, tolerance=0.05).details
    assert "top_1_agreement" in judge_agreement(unbatched, unbatched, tolerance=0.05, scores=True).details


def test_what_looks_like_scores():
    chances = np.abs(vectors(5, unit=False))
    assert looks_like_scores(answers(chances / chances.sum(axis=2, keepdims=True)), 0)
    assert looks_like_scores(answers(vectors(5, unit=False)), 0)
    assert not looks_like_scores(answers(vectors(5)), 0)
    assert not looks_like_scores(Answers.of([[np.zeros((3, 1))]]), 0)
    assert not looks_like_scores(Answers.of([[np.zeros((3, 4), np.int64)]]), 0)


def test_numbers_and_short_vectors_by_relative_error():
    original = Answers.of([[np.array([[10.0]])], [np.array([[20.0]])], [np.array([[0.0]])]])
    variant = Answers.of([[np.array([[10.1]])], [np.array([[20.0]])], [np.array([[1e-6]])]])
    assert distances(original, variant).tolist() == pytest.approx([0.01, 0.0, 1e-4])


def test_labels_and_text_by_the_share_that_differs():
    original = Answers.of([[np.array([1, 2, 3, 4])], [np.array("a cat")]])
    variant = Answers.of([[np.array([1, 2, 3, 5])], [np.array("a hat")]])
    assert distances(original, variant).tolist() == [0.25, 1.0]


def test_nan_and_another_shape_are_lost():
    table = vectors(20)
    broken = table.copy()
    broken[3, 0, 0] = np.nan
    assert "NaN" in judge_agreement(answers(table), answers(broken), tolerance=0.5).reason
    assert judge_agreement(answers(table), answers(table[:, :, :9]), tolerance=0.5).verdict == "lost"


def test_groups_are_drawn_whole_and_slices_are_judged():
    table = vectors(400)
    variant = noisy(table, 0.05)
    variant[:40] = noisy(table[:40], 0.5)
    names = ["night"] * 40 + ["day"] * 360
    outcome = judge_agreement(answers(table), answers(variant), tolerance=0.05, slices=names)
    assert outcome.verdict == "lost"
    assert outcome.worst_slice is not None
    assert outcome.worst_slice.name == "night"
    grouped = judge_agreement(answers(table), answers(variant), tolerance=0.05, groups=np.arange(400) // 40)
    assert grouped.details["resampled"] == "groups"
    assert grouped.estimate is not None
    assert grouped.estimate.n == 10
    with pytest.raises(BadInput, match="groups"):
        judge_agreement(answers(table), answers(variant), tolerance=0.05, groups=[1])
