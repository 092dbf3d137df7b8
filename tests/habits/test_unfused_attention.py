from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import made_devices
import pytest

from handmade import EMPTY, Op, evidence, facts, found, machine, op, phase, script, step, the
from unslow.habits.unfused_attention import HABIT

QUERY, SCORES, VALUE = (8, 64, 16), (8, 64, 64), (8, 64, 16)
FLOORS = {"fused/unfused:attention": 0.25}


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


@pytest.mark.parametrize(("dtype", "floor"), [("float32", 0.25), ("bfloat16", 0.1), ("float16", None)])
def test_the_floor_is_that_of_its_type(dtype: str, floor: float | None) -> None:
    ops = [replace(one, details={**one.details, "dtypes": [dtype] * len(one.details["dtypes"])}) for one in attention()]
    on = machine(floors={**FLOORS, "fused/unfused:attention-bfloat16": 0.1})
    assert the(HABIT, evidence(step(*ops), on=on)).floor == floor


def test_what_takes_hardly_any_time() -> None:
    assert not found(HABIT, evidence(step(*attention(), us=1000)))


def test_other_frameworks_join_their_operators_themselves() -> None:
    assert not found(HABIT, evidence(step(*attention()), facts("onnx")))


def test_products_around_a_softmax() -> None:
    called = op("aten::matmul", 20, "", category="framework", calls=[product(10, QUERY, (8, 16, 64))])
    case = step(called, *attention()[1:], op("aten::addmm", 30))
    finding = the(HABIT, evidence(case, on=machine(floors=FLOORS)))
    assert finding.share == pytest.approx(0.5), "with what only starts the product"
    assert finding.ceiling == pytest.approx(1 / (1 - 0.5 * 0.75))
    assert finding.evidence["queries"] == finding.evidence["keys"] == 64


def test_the_backward_pass_is_part_of_it_and_has_no_floor() -> None:
    back = [product(10, VALUE, (8, 16, 64)), op("aten::_softmax_backward_data", 10, shape=SCORES)]
    finding = the(HABIT, evidence(step(*attention(), *back), on=machine(floors=FLOORS)))
    assert finding.share == pytest.approx(0.6) and finding.floor is None


def test_operators_of_a_script() -> None:
    laid_out = phase("forward", 80, calls=tuple(reversed(attention())))
    finding = the(HABIT, evidence(step(laid_out, source="script"), script()))
    assert finding.share == pytest.approx(0.4) and finding.floor is None


def test_kernels_without_shapes_are_told_by_their_order() -> None:
    names = ("aten::bmm", "aten::mul", "aten::_softmax", "aten::bmm", "aten::addmm")
    kernels = [made_devices.activity(100 * n, 100, op=name) for n, name in enumerate(names)]
    profile = made_devices.profile(*kernels)
    assert the(HABIT, evidence(profile, on=machine(floors=FLOORS))).share == pytest.approx(0.4)
    classifier = [replace(one, details={"op": name}) for one, name in zip(kernels, reversed(names), strict=True)][:2]
    assert not found(HABIT, evidence(made_devices.profile(*classifier)))
