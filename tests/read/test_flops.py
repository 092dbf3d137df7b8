from __future__ import annotations

import pytest

from unslow.read._flops import attention_flops, conv_output, matmul_flops, torch_flops


@pytest.mark.parametrize(("left", "right"), [([], [3]), ([2, 3], [4, 5]), ([2], [])])
def test_no_product(left: list[int], right: list[int]) -> None:
    assert matmul_flops(left, right) is None


@pytest.mark.parametrize(
    ("left", "right", "flops"),
    [
        ([2, 3], [3, 4], 48),
        ([3], [3], 6),
        ([2, 3], [3], 12),
        ([7, 2, 3], [3, 4], 7 * 48),
        ([7, 1, 2, 3], [5, 3, 4], 35 * 48),
    ],
)
def test_products(left: list[int], right: list[int], flops: int) -> None:
    assert matmul_flops(left, right) == flops


def test_a_convolutions_output() -> None:
    assert conv_output([1, 3, 224, 224], [64, 3, 7, 7], [3, 3], [2, 2], [1, 1]) == [1, 64, 112, 112]
    assert conv_output([1, 3, 9], [4, 3, 3], [0], [1], [2]) == [1, 4, 5]
    assert conv_output([1, 3, 9], [4, 3, 3], [0, 0], [1], [2]) is None
    assert conv_output([1, 3, 9], [4, 3, 3], [0], [0], [1]) is None


def test_attention_is_two_products() -> None:
    assert attention_flops([1, 2, 5, 8], [1, 2, 7, 8], [1, 2, 7, 4]) == 2 * 2 * 5 * 7 * 8 + 2 * 2 * 5 * 7 * 4
    assert attention_flops([5, 8], [5, 8], [5, 8]) is None


@pytest.mark.parametrize(
    ("name", "dims", "values"),
    [
        ("relu", [[2, 3]], [""]),
        ("mm", [[2, 3]], [""]),
        ("mm", [[], []], ["", ""]),
        ("mkldnn_convolution", [[1, 3, 8, 8], [4, 3, 3, 3]], ["", ""]),
        ("mkldnn_convolution", [[1, 3, 8, 8], [4, 3, 3, 3], [], [], [], []], ["", "", "", "", "", ""]),
    ],
)
def test_what_is_not_known_is_not_guessed(name: str, dims: list[list[int]], values: list[str]) -> None:
    assert torch_flops(name, dims, values) is None


def test_a_linear_layers_weight_is_transposed() -> None:
    assert torch_flops("linear", [[5, 2, 3], [4, 3], [4]], ["", "", ""]) == 5 * 48
