"""Which layers go back to full precision."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unslow.core.trial import Guarded
from unslow.core.variant import Applied, Variant
from unslow.search.rescue import (
    GROSS_DISTANCE,
    MARGIN,
    Judged,
    LayerHarm,
    Rung,
    Sensitivities,
    excluding,
    is_rescued,
    ladder,
    most_harmful,
    next_rung,
    share_wanted,
)


def sensitivities(*left: float) -> Sensitivities:
    """`left` is the distance at k = 0, 1, 2, 4, …"""
    ks = (0, *(2**power for power in range(len(left) - 1)))
    return Sensitivities((), tuple(map(Rung, ks, left)), 4, 1.0)


def lost(kind: str, point: float, unit: str) -> Guarded:
    return Guarded("lost", "It is lost.", **{kind: {"estimate": {"point": point, "unit": unit}}})


def test_the_worst_layer_comes_first_and_equals_keep_their_order() -> None:
    layers = [LayerHarm("a", 0.1), LayerHarm("b", 0.3), LayerHarm("c", 0.1), LayerHarm("d", math.nan)]
    assert most_harmful(layers) == ("d", "b", "a", "c")


@pytest.mark.parametrize(
    ("layers", "rungs"),
    [(0, ()), (1, ()), (2, (1,)), (3, (1, 2)), (4, (1, 2)), (5, (1, 2, 4)), (75, (1, 2, 4, 8, 16, 32, 64))],
)
def test_a_ladder_leaves_a_layer_to_round(layers: int, rungs: tuple[int, ...]) -> None:
    assert ladder(layers) == rungs


def test_one_layer_cannot_be_rescued() -> None:
    assert next_rung(sensitivities(0.1), 0.5, {}) is None


def test_the_first_guess_is_where_little_enough_is_left() -> None:
    found = sensitivities(1.0, 0.8, 0.4, 0.1, 0.01)
    assert next_rung(found, 0.5, {}) == 2
    assert next_rung(found, 0.1, {}) == 4
    assert next_rung(found, 0.0001, {}) == 8


def test_what_is_lost_leads_upwards_and_what_is_kept_or_slow_downwards() -> None:
    found = sensitivities(1.0, 0.8, 0.4, 0.1, 0.01)
    assert next_rung(found, 0.5, {2: "lost"}) == 4
    assert next_rung(found, 0.5, {2: "lost", 4: "lost"}) == 8
    assert next_rung(found, 0.5, {2: "kept"}) == 1
    assert next_rung(found, 0.5, {2: "slow"}) == 1
    assert next_rung(found, 0.5, {2: "lost", 8: "kept"}) == 4
    assert next_rung(found, 0.5, {1: "lost", 2: "kept"}) is None
    assert next_rung(found, 0.5, {8: "lost"}) is None


def bisected(found: Sensitivities, wanted: float, outcome: Callable[[int], Judged]) -> dict[int, Judged]:
    judged: dict[int, Judged] = {}
    while (k := next_rung(found, wanted, judged)) is not None:
        assert k not in judged
        judged[k] = outcome(k)
    return judged


@given(st.integers(1, 8), st.integers(0, 9), st.floats(0, 1))
def test_bisection_ends_at_the_fewest_layers_that_do(rungs: int, needed: int, wanted: float) -> None:
    found = sensitivities(*(1 / (1 + step) for step in range(rungs + 1)))
    judged = bisected(found, wanted, lambda k: "kept" if k >= 2**needed else "lost")
    kept = [k for k, said in judged.items() if said == "kept"]
    assert min(kept, default=None) == (2**needed if needed < rungs else None)


def test_a_distance_may_be_left_as_it_is_and_an_error_by_its_square() -> None:
    assert share_wanted(lost("agreement", 0.1, "distance"), 0.02) == pytest.approx(MARGIN * 0.2)
    assert share_wanted(lost("agreement", 0.9, "top-1 agreement"), 0.02) == pytest.approx((MARGIN * 0.2) ** 2)
    assert share_wanted(lost("metric", 0.1, "loss"), 0.02) == pytest.approx((MARGIN * 0.2) ** 2)


@pytest.mark.parametrize("guarded", [None, Guarded("lost", "NaN"), lost("agreement", math.nan, "distance")])
def test_without_a_number_a_gross_difference_is_taken(guarded: Guarded | None) -> None:
    assert share_wanted(guarded, 0.01) == MARGIN * 0.01 / GROSS_DISTANCE


def test_a_metric_counts_before_the_agreement() -> None:
    both = Guarded(
        "lost",
        "It is lost.",
        metric={"estimate": {"point": 0.5, "unit": "loss"}},
        agreement={"estimate": {"point": 0.01, "unit": "distance"}},
    )
    assert share_wanted(both, 0.1) == pytest.approx((MARGIN * 0.2) ** 2)


def test_an_excluding_variant_differs_in_that_fix_alone() -> None:
    variant = Variant(
        (Applied("onnxruntime"), Applied("int8-dynamic", {"per_channel": True}), Applied("threads", {"n": 2}))
    )
    changed = excluding(variant, 1, ("a", "b"))
    assert changed.fixes[0] == variant.fixes[0] and changed.fixes[2] == variant.fixes[2]
    assert changed.fixes[1].parameters == {"per_channel": True, "exclude": ["a", "b"]}
    assert not is_rescued(variant) and is_rescued(changed) and changed.id != variant.id
