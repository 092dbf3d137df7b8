"""What the guard's numbers say of one variant, read from the plain JSON that a trial keeps."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from unslow.core.trial import Guarded
from unslow.report._text import plain

_TOP_1 = "top-1 agreement"


@dataclass(frozen=True)
class Loss:
    """How much worse the answers are (0: as good), with its interval; `low` and `high` may be infinite."""

    point: float
    low: float
    high: float
    tolerance: float | None
    unit: str


def loss_of(outputs: Guarded | None) -> Loss | None:
    """The loss of the metric, or else the disagreement with the original; None where neither was estimated."""
    if outputs is None:
        return None
    return _read(outputs.metric, "the metric") or _read(outputs.agreement, "disagreement")


def _read(judged: Mapping[str, Any], unit: str) -> Loss | None:
    estimate = judged.get("estimate", judged)
    if not isinstance(estimate, Mapping):
        return None
    ends = [_number(estimate.get(name)) for name in ("point", "low", "high")]  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]
    point, low, high = ends
    if point is None or low is None or high is None or not math.isfinite(point):
        return None
    if estimate.get("unit") == _TOP_1:  # pyright: ignore[reportUnknownMemberType]
        point, low, high = 1 - point, 1 - high, 1 - low
    details: Any = judged.get("details", judged)
    tolerance = _number(details.get("tolerance")) if isinstance(details, Mapping) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]
    return Loss(point, low, high, tolerance, plain(unit, 40))


def _number(value: object) -> float | None:
    """A JSON number, or one of the strings for what JSON cannot write."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        value = {"inf": math.inf, "-inf": -math.inf}.get(value)
    return float(value) if isinstance(value, (int, float)) and not math.isnan(value) else None
