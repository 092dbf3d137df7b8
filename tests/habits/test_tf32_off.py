from __future__ import annotations

import pytest

from handmade import evidence, found, gpu_model, model, noted, phase, script, step, the
from unslow.habits.tf32_off import HABIT

STEP = step(phase("data", 10, "data"), phase("forward", 30), phase("backward", 40), source="script")


@pytest.mark.parametrize(
    "called",
    [
        model(),
        gpu_model(capability=[7, 5]),
        gpu_model(matmul_precision="high", convolutions=3),
        gpu_model(matmul_precision="high", cudnn_tf32=False),
        gpu_model(autocast=True),
        gpu_model(parameter_bytes={"float16": 10}),
        gpu_model(matmul_precision=None, cudnn_tf32=None, convolutions=3),
    ],
)
def test_where_it_is_on_or_is_none(called: object) -> None:
    assert not found(HABIT, evidence(STEP, script(noted=(called,))))


def test_autocast_elsewhere_and_models_of_no_account() -> None:
    known = script(noted=(gpu_model(), noted("autocast", device="cuda", dtype="bfloat16")))
    assert not found(HABIT, evidence(STEP, known))
    assert not found(HABIT, evidence(step(phase("forward", 4)), script(noted=(gpu_model(),))))


def test_products_in_full() -> None:
    finding = the(HABIT, evidence(STEP, script(noted=(gpu_model(),))))
    assert finding.share == pytest.approx(0.7) and finding.floor is None and finding.site == "train.py:3"
    assert finding.evidence["compute_capability"] == "9.0"


def test_convolutions_in_full() -> None:
    assert the(
        HABIT,
        evidence(STEP, script(noted=(gpu_model(matmul_precision="high", cudnn_tf32=False, convolutions=2),))),
    )
