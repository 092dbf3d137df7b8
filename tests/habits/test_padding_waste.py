from __future__ import annotations

import pytest

from handmade import EMPTY, evidence, facts, found, noted, op, phase, script, step, the
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


class TestOfAScript:
    STEP = step(phase("forward", 30), phase("backward", 50))
    HALF = noted("forward", times=20, masked=50, mask_size=100, cut=20)

    def test_near_misses(self) -> None:
        full = noted("forward", times=20, masked=0, mask_size=100, cut=0)
        before = noted("forward", masked=50, mask_size=100, cut=20)
        assert not found(HABIT, *(evidence(self.STEP, script(noted=known)) for known in ((), (full,), (before,))))
        assert not found(HABIT, evidence(step(phase("data", 90, "data")), script(noted=(self.HALF,))))

    def test_forward_and_backward_are_at_stake(self) -> None:
        finding = the(HABIT, evidence(self.STEP, script(noted=(self.HALF,))))
        assert finding.share == pytest.approx(0.4) and finding.floor == 0 and finding.site == "train.py:3"
        assert finding.evidence["cut_share"] == pytest.approx(0.2)
        assert the(HABIT, evidence(EMPTY, script(noted=(self.HALF,)))).floor is None
