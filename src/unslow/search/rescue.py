"""Which layers of a lossy variant go back to full precision: the most harmful first, as many as it takes.

Pure: from the harm that each layer does by itself to the order, from the order to the rungs of a ladder (1, 2, 4, …
layers in full precision), and from what was judged so far to the rung that is tried next. The first is where the harm
that is left is expected to fit the tolerance; from there it goes by bisection.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from unslow.core.trial import Guarded
from unslow.core.variant import Variant

EXCLUDE = "exclude"
MARGIN = 0.5
"""The part of the tolerance that the expected loss may take: the rest is for the interval around it."""
GROSS_DISTANCE = 0.25
"""What answers are taken to differ by that were lost at a glance, (relative error)² / 2 with 0.7."""

Judged = Literal["kept", "lost", "slow"]


@dataclass(frozen=True)
class LayerHarm:
    """By how much the answers differ (the guard's distance: 1 - cosine, or as fits) when only this layer is rounded."""

    name: str
    distance: float


@dataclass(frozen=True)
class Rung:
    """By how much the answers differ when all but the `k` most harmful layers are rounded."""

    k: int
    distance: float


@dataclass(frozen=True)
class Sensitivities:
    """What a probe of one lossy variant gave: `layers` in the model's order, `rungs` from k = 0 upwards."""

    layers: tuple[LayerHarm, ...]
    rungs: tuple[Rung, ...]
    requests: int
    seconds: float


def most_harmful(layers: Sequence[LayerHarm]) -> tuple[str, ...]:
    """The names, worst first; equals in the model's order. What is not a number comes first."""
    ranked = sorted(layers, key=lambda layer: -(layer.distance if math.isfinite(layer.distance) else math.inf))
    return tuple(layer.name for layer in ranked)


def ladder(layers: int) -> tuple[int, ...]:
    """1, 2, 4, … while at least one layer is still rounded."""
    return tuple(2**power for power in range(max(0, layers - 1).bit_length()) if 2**power < layers)


def next_rung(found: Sensitivities, wanted: float, judged: Mapping[int, Judged]) -> int | None:
    """The `k` to try next, None when bisection is over; `wanted` is the share of the distance that may be left.

    A rung that is `lost` sends it to more layers in full precision, one that is `kept` or too `slow` to fewer.
    """
    rungs = [rung.k for rung in found.rungs if rung.k > 0]
    lost = [index for index, k in enumerate(rungs) if judged.get(k) == "lost"]
    enough = [index for index, k in enumerate(rungs) if judged.get(k) in ("kept", "slow")]
    low, high = max(lost, default=-1), min(enough, default=len(rungs))
    if high - low <= 1:
        return None
    if judged:
        return rungs[(low + high) // 2]
    return _expected(found, wanted)


def _expected(found: Sensitivities, wanted: float) -> int:
    """The first rung whose distance is small enough; the last where none is."""
    whole = next(rung.distance for rung in found.rungs if rung.k == 0)
    rungs = [rung for rung in found.rungs if rung.k > 0]
    return next((rung.k for rung in rungs if rung.distance <= wanted * whole), rungs[-1].k)


def share_wanted(guarded: Guarded | None, tolerance: float) -> float:
    """The share of the distance between the answers that may be left, from what the guard said of the lost variant.

    A mean distance is what it is; a metric, and the share of changed classes, go with the error, its root.
    """
    if guarded is None or guarded.verdict != "lost":
        return MARGIN * tolerance / GROSS_DISTANCE
    loss, with_error = _loss(guarded)
    if not math.isfinite(loss) or loss <= 0:
        return MARGIN * tolerance / GROSS_DISTANCE
    share = min(1.0, MARGIN * tolerance / loss)
    return share**2 if with_error else share


def _loss(guarded: Guarded) -> tuple[float, bool]:
    """The loss that was seen, and whether it goes with the error rather than with its square."""
    outcome: Mapping[str, Any] = guarded.metric or guarded.agreement
    estimate: Mapping[str, Any] = outcome.get("estimate") or {}
    point = float(estimate.get("point", math.nan))
    unit = str(estimate.get("unit", ""))
    if unit == "top-1 agreement":
        return 1 - point, True
    return point, unit != "distance"


def excluding(variant: Variant, place: int, names: Sequence[str]) -> Variant:
    """The variant whose fix at `place` leaves these layers in full precision."""
    fix = variant.fixes[place]
    changed = replace(fix, parameters={**fix.parameters, EXCLUDE: list(names)})
    return Variant((*variant.fixes[:place], changed, *variant.fixes[place + 1 :]))


def is_rescued(variant: Variant) -> bool:
    """Whether some layers of it were put back to full precision."""
    return any(fix.parameters.get(EXCLUDE) for fix in variant.fixes)
