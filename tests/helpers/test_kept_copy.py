"""The helper that keeps a copy on another device: `meta` here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch

from unslow.helpers import kept_copy as module

kept_copy: Any = module.kept_copy


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    module._kept.clear()
    yield
    module._kept.clear()


def copied(tensor: torch.Tensor, *args: Any, **kwargs: Any) -> Any:
    return kept_copy(tensor.to)(*(args or ("meta",)), **kwargs)


@pytest.mark.parametrize(
    "other", [torch.ones(3, dtype=torch.int32), torch.ones(1, 3), torch.ones(6)[::2], torch.tensor([1.0, 1.0, -1.0])]
)
def test_another_tensor_has_a_copy_of_its_own(other: torch.Tensor) -> None:
    assert copied(torch.ones(3)) is not copied(other)


def test_bits_count_not_values() -> None:
    assert copied(torch.zeros(3)) is not copied(-torch.zeros(3))
    nan = torch.tensor([float("nan")])
    assert copied(nan) is copied(nan)


def test_other_arguments_and_other_lines_have_copies_of_their_own() -> None:
    ones = torch.ones(3)
    assert copied(ones, "meta", torch.float64) is not copied(ones)
    assert kept_copy(ones.to)("meta") is not copied(ones)


def test_what_has_a_gradient_is_copied_each_time() -> None:
    weights = torch.ones(3, requires_grad=True)
    assert copied(weights) is not copied(weights)


def test_what_is_on_a_device_is_copied_each_time() -> None:
    there = torch.ones(3, device="meta")
    assert kept_copy(there.to)("meta", torch.float64) is not kept_copy(there.to)("meta", torch.float64)


def test_in_inference_mode_nothing_is_kept() -> None:
    with torch.inference_mode():
        ones = torch.ones(3)
        assert copied(ones) is not copied(ones)


def test_only_the_last_few_are_kept() -> None:
    ones = torch.ones(1)
    first = kept_copy(ones.to, "0")("meta")
    for n in range(1, module.MOST_KEPT + 1):
        kept_copy(ones.to, str(n))("meta")
    assert kept_copy(ones.to, "0")("meta") is not first and len(module._kept) == module.MOST_KEPT


@pytest.mark.parametrize("tensor", [torch.ones(3), torch.tensor(1.5), torch.ones(2, 3).t(), torch.ones(0)])
def test_the_same_tensor_is_copied_once(tensor: torch.Tensor) -> None:
    first = copied(tensor)
    assert copied(tensor) is first and copied(tensor.clone()) is first
    first.add_(1)
    assert copied(tensor) is not first
