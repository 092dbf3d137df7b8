"""The guard of scripts without losses, with answers that are made up."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest

from unslow.scripts.outputs import StepOutputs
from unslow.verify.scoring import judged

Rows = Sequence[Sequence[float]]


def steps(*answers: Rows) -> list[StepOutputs]:
    return [StepOutputs(repr(rows), len(rows), tuple(map(tuple, rows))) for rows in answers]


OURS = steps([[1.0, 2.0]], [[3.0, 4.0], [0.0]])
NEAR = steps([[1.0, 2.0]], [[3.0, 4.0001], [0.0]])
FAR = steps([[1.0, 2.0]], [[3.0, 5.0], [0.0]])


def test_a_script_that_answers_nothing_proves_nothing() -> None:
    said = judged([], [], "exact", list)
    assert said.verdict == "unproven" and "no losses, and no answers" in said.reason


@pytest.mark.parametrize("theirs", [[], steps([[1.0, 2.0], [1.0]]), steps([], [])])
def test_another_number_of_arrays(theirs: list[StepOutputs]) -> None:
    assert judged(OURS, theirs, "lossy", lambda: OURS).verdict == "lost"


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_numbers_that_become_nan(bad: float) -> None:
    said = judged(OURS, steps([[1.0, bad]], [[3.0, 4.0], [0.0]]), "lossy", lambda: OURS)
    assert said.verdict == "lost" and "NaN" in said.reason


def test_an_exact_fix_that_changes_them() -> None:
    said = judged(OURS, NEAR, "exact", lambda: OURS)
    assert said.verdict == "lost" and "step 2" in said.reason


@pytest.mark.parametrize("tag", ["exact", "numeric", "lossy"])
def test_far_from_the_original_is_not_proven_right(tag: str) -> None:
    said = judged(OURS, FAR, tag, lambda: FAR)  # an original that differs from itself is no measure of bits
    assert said.verdict == "unproven" and "which is right" in said.reason
    assert judged(steps([[0.0]]), steps([[1.0]]), "numeric", list).verdict == "unproven"


@pytest.mark.parametrize("tag", ["exact", "numeric", "lossy"])
def test_equal_bits_are_kept(tag: str) -> None:
    said = judged(OURS, OURS[:1], tag, list)
    assert said.verdict == "kept" and "in 1 steps is the same to the bit" in said.reason


@pytest.mark.parametrize("tag", ["exact", "numeric"])
def test_rounding_is_kept(tag: str) -> None:
    said = judged(OURS, NEAR, tag, lambda: NEAR)
    assert said.verdict == "kept" and "of its size" in said.reason
