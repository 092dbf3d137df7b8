from __future__ import annotations

import pytest

from handmade import EMPTY, evidence, facts, found, machine, noted, op, phase, scoring, script, step, the
from unslow.core.script import Noted
from unslow.habits._retained import FIRST_TOUCH_BYTES_PER_S, retained_bytes_per_request
from unslow.habits.autograd_at_inference import FLOOR, HABIT, RETAINED_BYTES

SMALL = step(op("aten::addmm", 40), op("aten::relu", 20))
FLOORED = machine(floors={FLOOR: 0.6})


def test_says_nothing_without_a_graph() -> None:
    assert not found(HABIT, evidence(SMALL, facts(), FLOORED), evidence(EMPTY, facts(training=("drop",))))


def test_a_graph_costs_the_starting_of_operators() -> None:
    finding = the(HABIT, evidence(SMALL, facts(grad_recorded=True, dispatch_seconds=5e-6), FLOORED))
    assert finding.share == pytest.approx(0.4 + 2 * 0.05)
    assert finding.floor == 0.6
    assert finding.ceiling == pytest.approx(1 / (1 - 0.5 * 0.4))
    assert "50 %" in finding.title


def test_an_operator_shorter_than_its_dispatch_counts_no_more_than_it_took() -> None:
    tiny = step(op("aten::relu", 2), op("aten::mm", 60))
    finding = the(HABIT, evidence(tiny, facts(grad_recorded=True, dispatch_seconds=30e-6), FLOORED))
    assert finding.share == pytest.approx(0.38 + 0.02 + 0.30)


def test_is_unbounded_where_nothing_was_measured() -> None:
    assert the(HABIT, evidence(SMALL, facts(grad_recorded=True))).ceiling is None


def test_a_floor_above_one_is_no_loss() -> None:
    finding = the(HABIT, evidence(SMALL, facts(grad_recorded=True), machine(floors={FLOOR: 1.2})))
    assert finding.ceiling == 1


def test_keeping_large_arrays_costs_what_moves_memory_but_no_products() -> None:
    rows = int(RETAINED_BYTES / 4 / 100)
    large = step(op("aten::addmm", 40, shape=(rows, 100)), op("aten::relu", 40, shape=(rows, 100)))
    touch = 2 * rows * 400 / FIRST_TOUCH_BYTES_PER_S
    finding = the(HABIT, evidence(large, facts(grad_recorded=True, seconds_per_request=touch * 10), FLOORED))
    assert finding.share == pytest.approx(0.2 + 0.4 + 0.1)
    assert finding.ceiling == pytest.approx(1 / (1 - 0.2 * 0.4 - 0.5))
    assert the(HABIT, evidence(large, facts(grad_recorded=True), machine())).ceiling is None
    assert finding.evidence["retained_bytes_per_request"] == 2 * rows * 400


def test_views_and_copies_keep_nothing() -> None:
    moving = step(op("aten::t", 10, shape=(10**6,)), op("aten::copy_", 10, shape=(10**6,)))
    assert retained_bytes_per_request(moving) == 0


def test_fused_layers_that_autograd_switches_off_are_unbounded() -> None:
    layers = facts(grad_recorded=True, modules={"TransformerEncoderLayer": 6})
    finding = the(HABIT, evidence(SMALL, layers, FLOORED))
    assert finding.floor is None
    assert finding.evidence["fused_layers_off"] is True


def test_the_fact_alone_is_enough() -> None:
    finding = the(HABIT, evidence(EMPTY, facts(grad_recorded=True), FLOORED))
    assert finding.ceiling is None


def called(with_graph: int = 20, times: int = 20, line: int = 3, **details: object) -> Noted:
    """A call of a model in every step, with 8 rows a time."""
    return noted("forward", line=line, times=times, model="Encoder", with_graph=with_graph, rows=8 * times, **details)


class TestOfAScript:
    STEP = step(phase("forward", 60), phase("data", 20, "data"))

    def test_near_misses(self) -> None:
        trains = [script(noted=(called(),)), scoring(called(), noted("gradient", call="backward"))]
        about_to = scoring(called(), noted("optimizer", **{"class": "Adam"}))
        fine = [scoring(), scoring(called(with_graph=0)), scoring(called(times=0))]
        assert not found(HABIT, *(evidence(self.STEP, known, FLOORED) for known in (*trains, about_to, *fine)))
        short = step(phase("forward", 0.5), phase("data", 90, "data"))
        assert not found(HABIT, evidence(short, scoring(called()), FLOORED))

    def test_the_place_that_calls_most_is_named(self) -> None:
        finding = the(HABIT, evidence(self.STEP, scoring(called(times=2, line=9), called(line=7)), FLOORED))
        assert finding.site == "train.py:7" and finding.share == pytest.approx(0.6) and finding.floor is None

    def test_operators_that_keep_little_have_the_floor_of_starting_them(self) -> None:
        forward = op("forward", 60, "", calls=[op("aten::addmm", 40, calls=[])], phase="forward")
        assert the(HABIT, evidence(step(forward), scoring(called()), FLOORED)).floor == 0.6

    def test_what_a_span_stands_for_counts(self) -> None:
        forward = op("forward", 60, "", calls=[op("aten::addmm", 40, shape=(1000, 100))], phase="forward")
        many = op("forward", 60, "", calls=[op("aten::addmm", 40, shape=(1000, 100))], phase="forward")
        many.calls[0].details["calls"] = 10
        one, ten = (the(HABIT, evidence(step(each), scoring(called()), FLOORED)) for each in (forward, many))
        assert one.floor == 0.6 and ten.floor is None
