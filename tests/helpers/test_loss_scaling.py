from __future__ import annotations

from typing import Any

import pytest

torch: Any = pytest.importorskip("torch")

from unslow.helpers.loss_scaling import scaled, scaler, unscaled  # noqa: E402


@pytest.fixture(autouse=True)
def afresh() -> None:
    scaler.cache_clear()


def test_a_step_is_the_same_as_without() -> None:
    ends: list[float] = []
    for is_scaled in (False, True):
        weight = torch.nn.Parameter(torch.ones(3))
        optimizer = torch.optim.SGD([weight], lr=0.25)
        loss = (weight * 2).sum()
        (scaled(loss) if is_scaled else loss).backward()
        (unscaled(optimizer) if is_scaled else optimizer).step()
        ends.append(weight.sum().item())
    assert ends == [1.5, 1.5]


def test_a_step_whose_gradients_are_infinite_is_left_out_and_the_scale_halved() -> None:
    weight = torch.nn.Parameter(torch.ones(3))
    optimizer = torch.optim.SGD([weight], lr=0.25)
    scaled((weight * float("inf")).sum()).backward()
    before = scaler("cpu").get_scale()
    unscaled(optimizer).step()
    assert weight.sum().item() == 3.0 and scaler("cpu").get_scale() == before / 2
