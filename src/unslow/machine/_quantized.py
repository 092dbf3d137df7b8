"""Networks of int8 kernels as static quantization makes them: quantize once, QLinear operators, dequantize once."""

from __future__ import annotations

from typing import Any

import numpy as np

from unslow.machine._graphs import SIZES, Network

# Activations' type, and whether the weights have a scale per output channel. x86 kernels want unsigned activations;
# ARM's take both signed.
VARIANTS: tuple[tuple[Any, bool], ...] = ((np.uint8, False), (np.uint8, True), (np.int8, True))
LAYERS = 2


def products(
    activations: Any | None,
    per_channel: bool = False,
    rows: int = SIZES.rows,
    width: int = SIZES.width,
    hidden: int = SIZES.hidden,
) -> tuple[bytes, tuple[int, ...]]:
    """Linear layers, `width` to `hidden` and back; float32 where `activations` is None."""
    shape = (rows, width)
    net = Network(*shape)
    x = "x" if activations is None else _quantize(net, "x", activations)
    for layer in range(LAYERS):
        inner, columns = (width, hidden) if layer % 2 == 0 else (hidden, width)
        if activations is None:
            x = net.add("MatMul", [x, net.normal(inner, columns)])
        else:
            weights = _integers(net, inner, columns)
            scales = _scale(net, np.int8, columns if per_channel else 0)
            inputs = [x, *_scale(net, activations), weights, *scales, *_scale(net, activations)]
            x = net.add("QLinearMatMul", inputs)
    return net.to_bytes(x if activations is None else _dequantize(net, x, activations)), shape


def convolutions(
    activations: Any | None, per_channel: bool = False, side: int = 28, channels: int = 64
) -> tuple[bytes, tuple[int, ...]]:
    """Dense 3x3 layers of `channels` at `side` x `side`; float32 where `activations` is None."""
    shape = (1, channels, side, side)
    net = Network(*shape)
    x = "x" if activations is None else _quantize(net, "x", activations)
    for _ in range(LAYERS):
        if activations is None:
            x = net.add("Conv", [x, net.normal(channels, channels, 3, 3)], pads=[1, 1, 1, 1])
        else:
            weights = _integers(net, channels, channels, 3, 3)
            scales = _scale(net, np.int8, channels if per_channel else 0)
            inputs = [x, *_scale(net, activations), weights, *scales, *_scale(net, activations)]
            x = net.add("QLinearConv", inputs, pads=[1, 1, 1, 1])
    return net.to_bytes(x if activations is None else _dequantize(net, x, activations)), shape


def _integers(net: Network, *shape: int) -> str:
    return net.constant(net.random.integers(-127, 128, shape, dtype=np.int8))


def _scale(net: Network, dtype: Any, channels: int = 0) -> list[str]:
    """A scale and a zero point: of one tensor, or one for each of `channels`."""
    shape = (channels,) if channels else ()
    zero = 128 if dtype == np.uint8 else 0
    return [net.constant(np.full(shape, 0.02, np.float32)), net.constant(np.full(shape, zero, dtype))]


def _quantize(net: Network, x: str, dtype: Any) -> str:
    return net.add("QuantizeLinear", [x, *_scale(net, dtype)])


def _dequantize(net: Network, x: str, dtype: Any) -> str:
    return net.add("DequantizeLinear", [x, *_scale(net, dtype)])
