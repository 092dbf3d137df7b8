"""The normal form of outputs, and what a metric is given of them."""

from __future__ import annotations

import numpy as np
import pytest

from unslow.core.errors import BadInput
from unslow.verify.outputs import Answers, per_label


def test_same_structure_is_not_a_difference_whatever_the_float_dtype():
    original = Answers.of([[np.zeros((1, 3), np.float32), np.array([1])]])
    assert (
        original.difference_of_structure(Answers.of([[np.ones((1, 3), np.float16), np.array([2], np.int32)]])) is None
    )


@pytest.mark.parametrize(
    ("other", "word"),
    [
        ([[np.zeros((1, 3))], [np.zeros((1, 3))]], "requests"),
        ([[np.zeros((1, 3)), np.zeros(1)]], "arrays"),
        ([[np.zeros((3, 1))]], "(3, 1)"),
        ([[np.zeros((1, 3), np.int64)]], "int64"),
    ],
)
def test_a_difference_of_structure_is_said(other: list[list[np.ndarray]], word: str):
    assert word in str(Answers.of([[np.zeros((1, 3))]]).difference_of_structure(Answers.of(other)))


def test_stacked_per_leaf_only_when_shapes_agree():
    even = Answers.of([[np.zeros((2, 3)), np.zeros(1)], [np.ones((2, 3)), np.ones(1)]])
    stacked = even.stacked()
    assert stacked is not None
    assert [leaf.shape for leaf in stacked] == [(2, 2, 3), (2, 1)]
    assert Answers.of([[np.zeros((2, 3))], [np.zeros((4, 3))]]).stacked() is None


def test_finite_allows_what_the_original_has():
    masked = Answers.of([[np.array([1.0, -np.inf, np.nan])]])
    assert masked.finite(masked)
    assert Answers.of([[np.array([1.0, 2.0, 3.0])]]).finite(masked)
    assert not Answers.of([[np.array([np.nan, -np.inf, np.nan])]]).finite(masked)


def test_text_counts_as_discrete_and_finite():
    text = Answers.of([[np.array("a cat")], [np.array("two dogs")]])
    assert text.finite(text)
    assert list(per_label(text, 2).outputs) == ["a cat", "two dogs"]


def test_a_batch_of_one_is_dropped():
    outputs = per_label(Answers.of([[np.full((1, 4), i)] for i in range(3)]), 3).outputs
    assert isinstance(outputs, np.ndarray)
    assert outputs.shape == (3, 4)
    assert np.shape(per_label(Answers.of([[np.full((1, 4), i)] for i in range(3)]), None).outputs) == (3, 4)


def test_batches_are_split_into_rows_that_know_their_request():
    whole = per_label(Answers.of([[np.zeros((2, 4))], [np.ones((3, 4))]]), 5)
    assert np.shape(whole.outputs) == (5, 4)
    assert whole.request.tolist() == [0, 0, 1, 1, 1]


def test_unbatched_answers_stay_whole():
    assert np.shape(per_label(Answers.of([[np.zeros(7)] for _ in range(3)]), 3).outputs) == (3, 7)
    assert np.shape(per_label(Answers.of([[np.float32(7)] for _ in range(3)]), 3).outputs) == (3,)


def test_ragged_or_several_leaves_give_a_list():
    ragged = per_label(Answers.of([[np.zeros((5, 4))], [np.zeros((6, 4))]]), 2).outputs
    assert isinstance(ragged, list)
    several = per_label(Answers.of([[np.zeros((1, 4)), np.zeros(1)]] * 2), 2).take(np.array([1, 1]))
    assert [tuple(leaf.shape for leaf in entry) for entry in several] == [((4,), ()), ((4,), ())]


def test_taking_copies():
    outputs = per_label(Answers.of([[np.zeros(2)] for _ in range(3)]), 3)
    np.asarray(outputs.take(np.arange(3)))[:] = 9
    assert np.asarray(outputs.outputs).max() == 0


def test_labels_that_fit_nothing_are_bad_input():
    with pytest.raises(BadInput, match="4 labels for 3 evaluation requests"):
        per_label(Answers.of([[np.zeros(7)] for _ in range(3)]), 4)
