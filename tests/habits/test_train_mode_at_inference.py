from __future__ import annotations

import pytest

from handmade import EMPTY, evidence, facts, found, noted, op, phase, scoring, script, step, the
from unslow.core.script import Noted
from unslow.habits.train_mode_at_inference import HABIT

DROPPING = step(
    op("aten::addmm", 50),
    op("aten::dropout", 30, category="framework", calls=[op("aten::bernoulli_", 20), op("aten::div_", 5)]),
)
FUSED = op("aten::native_dropout", 25)


def test_says_nothing_in_evaluation_mode() -> None:
    passed_through = step(op("aten::addmm", 50), op("aten::dropout", 1, category="framework"))
    assert not found(HABIT, evidence(passed_through), evidence(DROPPING), evidence(EMPTY))


def test_dropout_and_all_that_it_calls_are_waste() -> None:
    finding = the(HABIT, evidence(DROPPING, facts(training=("head.drop",), stochastic=True)))
    assert finding.share == pytest.approx(0.30)
    assert finding.floor == 0
    assert finding.title.startswith("head.drop is still in training mode: 30 %")
    assert finding.evidence["outputs_differ_between_calls"] is True


def test_the_form_that_autograd_uses_counts_too() -> None:
    finding = the(HABIT, evidence(step(op("aten::addmm", 50), FUSED), facts(training=("a", "b"))))
    assert finding.share == pytest.approx(0.25)
    assert finding.title.startswith("2 modules are")


def test_batch_norm_counts() -> None:
    norm = op("aten::batch_norm", 20, category="framework", calls=[op("aten::native_batch_norm", 18)])
    finding = the(HABIT, evidence(step(op("aten::mkldnn_convolution", 60), norm), facts(training=("bn",))))
    assert finding.share == pytest.approx(0.20)


def test_a_mode_that_costs_nothing_is_still_told() -> None:
    finding = the(HABIT, evidence(step(op("aten::addmm", 90)), facts(training=("drop",))))
    assert finding.ceiling == 1
    assert "answers differ" in finding.title


def test_fused_layers_that_it_switches_off_are_unbounded() -> None:
    finding = the(HABIT, evidence(DROPPING, facts(training=("drop",), modules={"MultiheadAttention": 1})))
    assert finding.floor is None
    assert finding.share == pytest.approx(0.75)


def test_the_fact_alone_is_enough() -> None:
    assert the(HABIT, evidence(EMPTY, facts(training=("drop",)))).ceiling is None


def called(*training: str, times: int = 20, line: int = 3) -> Noted:
    return noted("forward", line=line, times=times, model="Encoder", training=list(training))


class TestOfAScript:
    STEP = step(phase("forward", 60), op("aten::dropout", 20))

    def test_near_misses(self) -> None:
        trains = (script(noted=(called("drop"),)), scoring(called("drop"), noted("gradient", call="backward")))
        fine = (scoring(called()), scoring(called("drop", times=0)), scoring())
        assert not found(HABIT, *(evidence(self.STEP, known) for known in (*trains, *fine)))

    def test_dropout_in_its_steps(self) -> None:
        finding = the(HABIT, evidence(self.STEP, scoring(called("drop", "norm", line=9))))
        assert finding.share == pytest.approx(0.2) and finding.floor == 0 and finding.site == "train.py:9"
        assert finding.title.startswith("2 modules of Encoder are still in training mode")

    def test_what_a_dropout_calls_counts_where_it_stands_beside_it(self) -> None:
        of_dropout, of_another = (op("aten::div_", 10, within=name) for name in ("aten::dropout", "aten::gelu"))
        finding = the(HABIT, evidence(step(op("aten::dropout", 20), of_dropout, of_another), scoring(called("drop"))))
        assert finding.share == pytest.approx(0.3)

    def test_where_operators_were_not_recorded_no_floor_is_known(self) -> None:
        finding = the(HABIT, evidence(step(phase("forward", 60)), scoring(called("drop"))))
        assert finding.share == pytest.approx(0.6) and finding.floor is None
