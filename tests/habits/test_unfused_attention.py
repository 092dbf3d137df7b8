from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import made_devices
import pytest

from handmade import EMPTY, Op, evidence, facts, found, op, phase, script, step, the
from unslow.core.attention import FusedAttention
from unslow.core.finding import Evidence
from unslow.habits.unfused_attention import HABIT, wants

QUERY, SCORES, VALUE = (8, 64, 16), (8, 64, 64), (8, 64, 16)
FUSED = FusedAttention(8, 64, 64, 16, "float32", masked=False)


def product(us: float, *shapes: Sequence[int], **details: Any) -> Op:
    return op("aten::bmm", us, "", dtypes=["float32", "float32"], shapes=[list(shape) for shape in shapes], **details)


def attention(**details: Any) -> list[Op]:
    """40 µs of it: scores, scaled, dropped."""
    return [
        product(10, QUERY, (8, 16, 64), **details),
        op("aten::div", 5, shape=(2, 4, 64, 64), **details),
        op("aten::_softmax", 10, shape=(2, 4, 64, 64), **details),
        op("aten::native_dropout", 5, shape=(2, 4, 64, 64), **details),
        product(10, SCORES, VALUE, **details),
    ]


def tried(case: Evidence, fused_us: float | None) -> Evidence:
    """With what one call of the fused operator took on this machine."""
    return case if fused_us is None else replace(case, fused={FUSED: fused_us / 1e6})


def test_no_softmax_and_no_time() -> None:
    assert not found(HABIT, evidence(EMPTY), evidence(step(product(50, QUERY, (8, 16, 64)))))


def test_the_softmax_of_a_classifier() -> None:
    linear, last = op("aten::addmm", 40, shape=(8, 64)), op("aten::_softmax", 40, shape=(8, 64))
    assert not found(HABIT, evidence(step(linear, last)))
    over_tokens = op("aten::_softmax", 40, shape=(2, 4, 64, 50))
    assert not found(HABIT, evidence(step(product(20, QUERY, (8, 16, 64)), over_tokens, product(20, SCORES, VALUE))))


def test_what_a_fused_operator_calls_itself() -> None:
    name = "aten::_scaled_dot_product_attention_math"
    inside = op(name, 60, "", category="framework", calls=attention())
    laid_out = phase("forward", 60, calls=tuple(attention(within=name)))
    assert not found(HABIT, evidence(step(inside)), evidence(step(laid_out, source="script"), script()))


def test_nothing_is_wanted_that_is_not_attention() -> None:
    cases = evidence(EMPTY), evidence(step(*attention(), us=1000)), evidence(step(*attention()), facts("onnx"))
    assert not [one for case in cases for one in wants(case)]


@pytest.mark.parametrize("mask", ["masked_fill", "add"])
def test_what_is_wanted_is_of_its_shapes_and_type_and_masked_where_the_scores_are(mask: str) -> None:
    masked = op(f"aten::{mask}", 5, shape=(2, 4, 64, 64))
    ops = [replace(one, details={**one.details, "dtypes": ["bfloat16"] * 2}) for one in (*attention(), masked)]
    assert list(wants(evidence(step(*ops)))) == [FusedAttention(8, 64, 64, 16, "bfloat16", masked=True)]
    assert list(wants(evidence(step(*attention())))) == [FUSED]


@pytest.mark.parametrize(("fused_us", "floor"), [(10, 0.25), (60, 1.0), (None, None)])
def test_the_floor_is_what_the_fused_operator_takes_here(fused_us: float | None, floor: float | None) -> None:
    case = tried(evidence(step(*attention(), us=80)), fused_us)
    assert the(HABIT, case).floor == (floor if floor is None else pytest.approx(floor))


def test_shapes_that_were_not_tried_count_by_their_scores() -> None:
    twice = [product(10, (8, 128, 16), (8, 16, 64)), op("aten::_softmax", 20, shape=(2, 4, 128, 64)),
             product(10, (8, 128, 64), VALUE)]  # fmt: skip
    finding = the(HABIT, tried(evidence(step(*attention(), *twice)), 5))
    assert finding.floor == pytest.approx((5 + 10) / 80) and finding.evidence["queries"] == 128


def test_what_takes_hardly_any_time() -> None:
    assert not found(HABIT, evidence(step(*attention(), us=1000)))


def test_other_frameworks_join_their_operators_themselves() -> None:
    assert not found(HABIT, evidence(step(*attention()), facts("onnx")))


def test_products_around_a_softmax() -> None:
    called = op("aten::matmul", 20, "", category="framework", calls=[product(10, QUERY, (8, 16, 64))])
    case = step(called, *attention()[1:], op("aten::addmm", 30))
    finding = the(HABIT, tried(evidence(case), 10))
    assert finding.share == pytest.approx(0.5), "with what only starts the product"
    assert finding.ceiling == pytest.approx(100 / (50 + 10))
    assert finding.evidence["queries"] == finding.evidence["keys"] == 64


def test_the_backward_pass_is_part_of_it_and_has_no_floor() -> None:
    back = [product(10, VALUE, (8, 16, 64)), op("aten::_softmax_backward_data", 10, shape=SCORES)]
    case = evidence(step(*attention(), *back))
    finding = the(HABIT, case)
    assert finding.share == pytest.approx(0.6) and finding.floor is None and not list(wants(case))


def test_operators_of_a_script() -> None:
    laid_out = phase("forward", 80, calls=tuple(reversed(attention())))
    finding = the(HABIT, evidence(step(laid_out, source="script"), script()))
    assert finding.share == pytest.approx(0.4) and finding.floor is None


def test_handing_the_scores_back_is_part_of_it() -> None:
    freed = op("memory::free", 10, shape=SCORES, category="other")
    others = op("memory::free", 10, shape=(8, 999, 64), category="other")
    assert the(HABIT, evidence(step(*attention(), freed, others, us=100))).share == pytest.approx(0.5)


def test_kernels_without_shapes_are_told_by_their_order() -> None:
    names = ("aten::bmm", "aten::mul", "aten::_softmax", "aten::bmm", "aten::addmm")
    kernels = [made_devices.activity(100 * n, 100, op=name) for n, name in enumerate(names)]
    profile = made_devices.profile(*kernels)
    assert the(HABIT, evidence(profile)).share == pytest.approx(0.4)
    classifier = [replace(one, details={"op": name}) for one, name in zip(kernels, reversed(names), strict=True)][:2]
    assert not found(HABIT, evidence(made_devices.profile(*classifier)))
