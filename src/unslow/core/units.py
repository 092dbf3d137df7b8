"""How numbers are shown to people: times, sizes, ratios, shares. Four significant figures suit nobody."""

from __future__ import annotations

import math

from unslow.core.estimate import Estimate


def seconds(value: float) -> str:
    """`0.0137` as "13.7 ms"."""
    for scale, unit in ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs")):
        if abs(value) >= scale:
            return f"{_short(value / scale)} {unit}"
    return "0 s" if value == 0 else f"{_short(value / 1e-9)} ns"


def size(value: float) -> str:
    """`47_185_920` bytes as "47.2 MB" (decimal units)."""
    for scale, unit in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if abs(value) >= scale:
            return f"{_short(value / scale)} {unit}"
    return f"{value:.0f} B"


def ratio(value: float) -> str:
    """`2.123` as "2.12×"."""
    return "∞" if math.isinf(value) else f"{value:.2f}×"


def times(value: float) -> str:
    """How often something is done, on average: `119.6` as "120", `2.51` as "2.5"."""
    return f"{value:.2g}" if abs(value) < 10 else f"{value:.0f}"


def share(value: float) -> str:
    """`0.314` as "31 %", `0.0042` as "0.4 %"."""
    return f"{100 * value:.0f} %" if abs(value) >= 0.0995 or value == 0 else f"{100 * value:.1f} %"


def interval(estimate: Estimate) -> str:
    """A ratio with its interval: "2.12× (2.05 to 2.19)"."""
    low = "0" if estimate.low <= 0 or math.isinf(estimate.low) else f"{estimate.low:.2f}"
    high = "∞" if math.isinf(estimate.high) else f"{estimate.high:.2f}"
    return f"{ratio(estimate.point)} ({low} to {high})"


def _short(value: float) -> str:
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"
