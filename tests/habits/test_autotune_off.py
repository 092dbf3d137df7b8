from __future__ import annotations

import pytest

from handmade import evidence, found, gpu_model, model, phase, script, step, the
from unslow.habits.autotune_off import HABIT

STEP = step(phase("data", 10, "data"), phase("forward", 30), phase("backward", 40), source="script")


@pytest.mark.parametrize(
    "called",
    [
        gpu_model(),
        model(convolutions=3),
        gpu_model(convolutions=3, cudnn_benchmark=True),
        gpu_model(convolutions=3, cudnn_benchmark=None),
        gpu_model(convolutions=3, shapes=3),
    ],
)
def test_where_it_is_on_or_would_not_help(called: object) -> None:
    assert not found(HABIT, evidence(STEP, script(noted=(called,))))


def test_one_model_of_changing_shapes_is_enough() -> None:
    known = script(noted=(gpu_model(convolutions=3), gpu_model(convolutions=3, shapes=9, line=7)))
    assert not found(HABIT, evidence(STEP, known))


def test_models_of_no_account() -> None:
    assert not found(HABIT, evidence(step(phase("forward", 4)), script(noted=(gpu_model(convolutions=3),))))


@pytest.mark.parametrize("shapes", [1, 2])
def test_convolutions_of_fixed_shapes(shapes: int) -> None:
    finding = the(HABIT, evidence(STEP, script(noted=(gpu_model(convolutions=3, shapes=shapes),))))
    assert finding.share == pytest.approx(0.7) and finding.floor is None and "3 convolutions" in finding.title
