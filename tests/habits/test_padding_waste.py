from __future__ import annotations

import pytest

from handmade import EMPTY, evidence, facts, found, op, step, the
from unslow.habits.padding_waste import HABIT

STEP = step(op("aten::addmm", 60), op("aten::_scaled_dot_product_flash_attention_for_cpu", 20))


def test_no_padding_is_no_waste() -> None:
    assert not found(HABIT, evidence(STEP), evidence(STEP, facts(padding_mask="attention_mask")), evidence(EMPTY))


def test_padding_that_costs_next_to_nothing_is_left_alone() -> None:
    assert not found(HABIT, evidence(step(op("aten::addmm", 10)), facts(padding_share=0.05)))


def test_attention_wastes_the_square() -> None:
    finding = the(HABIT, evidence(STEP, facts(padding_share=0.6, padding_mask="attention_mask")))
    assert finding.share == pytest.approx(0.6 * 0.6 + 0.2 * 0.84)
    assert finding.floor == 0
    assert finding.evidence["padding_mask"] == "attention_mask"
    assert finding.title.startswith("60 % of the tokens are padding: 53 %")


def test_python_does_not_grow_with_the_tokens() -> None:
    assert the(HABIT, evidence(step(op("aten::addmm", 50)), facts(padding_share=0.5))).share == pytest.approx(0.25)


def test_the_fact_alone_is_enough() -> None:
    assert the(HABIT, evidence(EMPTY, facts(padding_share=0.3))).ceiling is None
