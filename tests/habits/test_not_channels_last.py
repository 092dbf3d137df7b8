from __future__ import annotations

from dataclasses import replace

import pytest
from made_devices import activity, profile

from handmade import evidence, found, gpu_model, model, op, phase, script, step, the
from unslow.core.profile import Profile
from unslow.habits.not_channels_last import HABIT

IMAGES = {"convolutions": 3, "images": 1}
STEP = step(
    phase("data", 20, "data"),
    phase("forward", 30, calls=(op("conv", 20, op="aten::convolution"), op("norm", 5, op="aten::batch_norm"))),
    phase("backward", 40, calls=(op("conv", 30, op="aten::convolution"),)),
    phase("optimizer", 10, calls=(op("copy", 10, op="aten::copy_"),)),
    source="script",
)
PHASES = step(phase("forward", 30), phase("backward", 40), source="script")


@pytest.mark.parametrize(
    "called",
    [
        model(),
        model(convolutions=3),
        model(**IMAGES, channels_last=True),
        model(**IMAGES, compiled=True),
        model(**IMAGES, times_in_steps=0),
    ],
)
def test_no_images_in_planes(called: object) -> None:
    assert not found(HABIT, evidence(STEP, script(noted=(called,))))


def test_convolutions_of_no_account() -> None:
    linear = step(phase("forward", 90, calls=(op("mm", 90, op="aten::mm"),)), source="script")
    assert not found(HABIT, evidence(linear, script(noted=(model(**IMAGES),))))
    assert not found(HABIT, evidence(step(phase("forward", 4)), script(noted=(model(**IMAGES),))))


def test_convolutions_and_what_is_around_them() -> None:
    finding = the(HABIT, evidence(STEP, script(noted=(model(**IMAGES),))))
    assert finding.share == pytest.approx(0.55) and finding.floor is None and finding.site == "train.py:3"
    assert "3 convolutions and what is around them" in finding.title
    alone = the(HABIT, evidence(STEP, script(noted=(model(**{**IMAGES, "convolutions": 1}),))))
    assert "one convolution and what is around it" in alone.title


def test_where_no_operators_were_recorded_or_a_gpu_computes_both_passes() -> None:
    assert the(HABIT, evidence(PHASES, script(noted=(model(**IMAGES),)))).share == pytest.approx(0.7)
    assert the(HABIT, evidence(STEP, script(noted=(gpu_model(**IMAGES),)))).share == pytest.approx(0.7)


def turned(us: float) -> Profile:
    seen = profile(activity(0, 500), activity(500, us))
    spans = [replace(one, name="nchwToNhwcKernel<float>") if one.start_ns == 500_000 else one for one in seen.spans]
    return replace(seen, spans=tuple(spans))


def test_a_recording_whose_kernels_keep_the_layout() -> None:
    assert not found(HABIT, evidence(turned(5)), evidence(profile(activity(0, 500))))


def test_a_recording_in_which_kernels_turn_images_around() -> None:
    finding = the(HABIT, evidence(turned(100)))
    assert finding.share == pytest.approx(0.1) and finding.ceiling == pytest.approx(1 / 0.9)
