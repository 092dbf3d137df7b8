"""The final metric of a script: a paired estimate over whole runs, one-sided at each end."""

from __future__ import annotations

import math

import pytest

from unslow.verify.final_metric import loss_of, verdict_on

OURS = [0.90, 0.91, 0.89, 0.90, 0.92]


def verdict(theirs: list[float], tolerance: float = 0.01) -> str:
    return verdict_on(loss_of(OURS, theirs, 0.95), tolerance).verdict


def test_a_loss_within_the_noise_of_few_runs_is_unproven() -> None:
    assert verdict([0.93, 0.86, 0.92, 0.85, 0.95]) == "unproven"


def test_no_number_is_lost() -> None:
    assert verdict([math.nan, *OURS[1:]]) == "lost"


def test_a_clear_loss_is_lost() -> None:
    assert verdict([value - 0.05 for value in OURS]) == "lost"


@pytest.mark.parametrize("better", [0.0, 0.002, 0.1])
def test_no_loss_is_kept(better: float) -> None:
    assert verdict([value + better for value in OURS]) == "kept"


def test_the_same_runs_lose_nothing() -> None:
    loss = loss_of(OURS, OURS, 0.95)
    assert (loss.point, loss.low, loss.high, loss.runs) == (0, 0, 0, 5)
