"""Floating-point operations of the heavy operators, from the shapes that they were called with.

A product of an m×k with a k×n matrix takes 2·m·k·n: a multiplication and an addition for each (Golub & Van Loan,
*Matrix Computations*, §1.1). A convolution is one such product for each place of the output (as
`torch.utils.flop_counter` counts too); attention is two: scores, then the weighted sum. Bias and activation are left
out: they are of a lower order.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

Shape = Sequence[int]
CONVOLUTIONS: Mapping[str, tuple[int, int, int | None]] = {
    "mkldnn_convolution": (3, 4, 5),
    "cudnn_convolution": (2, 3, 4),
    "miopen_convolution": (3, 4, 5),
    "_slow_conv2d_forward": (5, 4, None),
    "_conv_depthwise2d": (5, 4, 6),
}
"""Where among the arguments are padding, stride and dilation: of these operators alone the printed values count."""


def matmul_flops(left: Shape, right: Shape) -> int | None:
    """Of `left @ right` as NumPy defines it: (…, m, k) with (…, k, n), leading axes broadcast; or with vectors."""
    if not left or not right:
        return None
    inner = left[-1]
    if inner != (right[-2] if len(right) > 1 else right[0]):
        return None
    rows = left[-2] if len(left) > 1 else 1
    columns = right[-1] if len(right) > 1 else 1
    longer, shorter = sorted((list(left[:-2]), list(right[:-2])), key=len, reverse=True)
    padded = [1] * (len(longer) - len(shorter)) + shorter
    return 2 * rows * inner * columns * prod(max(a, b) for a, b in zip(longer, padded, strict=True))


def conv_flops(output: Shape, weight: Shape) -> int | None:
    """Of a convolution with output (n, c_out, …) and weight (c_out, c_in ÷ groups, …kernel)."""
    return 2 * prod(output) * prod(weight[1:]) if len(output) > 2 and len(weight) == len(output) else None


def conv_output(image: Shape, weight: Shape, padding: Shape, stride: Shape, dilation: Shape) -> list[int] | None:
    """The output's shape; (n, c_in, …) convolved with (c_out, …, …kernel). PyTorch's documentation of `Conv2d`."""
    axes = len(image) - 2
    if axes < 1 or len(weight) != len(image) or any(len(values) != axes for values in (padding, stride, dilation)):
        return None
    sides = zip(image[2:], weight[2:], padding, stride, dilation, strict=True)
    if 0 in stride:
        return None
    return [image[0], weight[0], *((n + 2 * p - d * (k - 1) - 1) // s + 1 for n, k, p, s, d in sides)]


def attention_flops(query: Shape, key: Shape, value: Shape) -> int | None:
    """Of softmax(QKᵀ)V with (…, s, d), (…, t, d), (…, t, v)."""
    if min(len(query), len(key), len(value)) < 3:
        return None
    return 2 * prod(query[:-1]) * key[-2] * (query[-1] + value[-1])


def torch_flops(name: str, dims: Sequence[Any], values: Sequence[Any]) -> int | None:
    """Of one aten operator by its bare name; None where it is not one of the heavy ones, or where shapes are missing.

    `dims` are the shapes of all arguments in order, `values` the others as the recording prints them ("[1, 1]").
    """
    try:
        if name in ("mm", "bmm", "matmul", "mv", "dot"):
            return matmul_flops(dims[0], dims[1])
        if name in ("addmm", "baddbmm", "addmv", "_addmm_activation"):
            return matmul_flops(dims[1], dims[2])
        if name in ("linear", "mkldnn_linear", "_mkl_linear"):
            return matmul_flops(dims[0], list(reversed(dims[1])))
        if name.startswith("_scaled_dot_product"):
            return attention_flops(dims[0], dims[1], dims[2])
        return _torch_conv_flops(name, dims, values)
    except (IndexError, TypeError, ValueError):
        return None


def _torch_conv_flops(name: str, dims: Sequence[Any], values: Sequence[Any]) -> int | None:
    """The forms that do the work: oneDNN's (…, padding, stride, dilation), cuDNN's and the slow one's."""
    places = CONVOLUTIONS.get(name)
    if places is None:
        return None
    image, weight = dims[0], dims[1]
    axes = len(image) - 2
    padding, stride, dilation = ([1] * axes if at is None else _numbers(values[at], axes) for at in places)
    output = conv_output(image, weight, padding, stride, dilation)
    return conv_flops(output, weight) if output else None


def _numbers(text: Any, axes: int) -> list[int]:
    numbers = [int(value) for value in json.loads(str(text))]
    return numbers * axes if len(numbers) == 1 else numbers


def onnx_flops(op: str, inputs: Sequence[Shape], outputs: Sequence[Shape]) -> int | None:
    """Of one ONNX node by its type, ONNX Runtime's fused forms included; None where it is none of the heavy ones.

    Weights that ONNX Runtime has packed for its kernels are missing among the `inputs`; products do without them.
    """
    if not inputs or not outputs or not outputs[0]:
        return None
    output = outputs[0]
    if op.endswith("Conv") or op == "ConvInteger":
        return conv_flops(output, inputs[1]) if len(inputs) > 1 else None
    if op in ("Gemm", "FusedGemm") and output[0]:
        return 2 * prod(output) * (prod(inputs[0]) // output[0])
    if op in ("MatMul", "FusedMatMul", "MatMulInteger", "DynamicQuantizeMatMul", "MatMulIntegerToFloat") and inputs[0]:
        return 2 * prod(output) * _inner(inputs[0], output)
    return None


def _inner(left: Shape, output: Shape) -> int:
    """The axis that is summed over; the fused form may have its left matrix transposed."""
    transposed = len(left) > 1 and len(output) > 1 and left[-2] != output[-2] and left[-1] == output[-2]
    return left[-2] if transposed else left[-1]
