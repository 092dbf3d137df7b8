from __future__ import annotations

import pytest

from handmade import EMPTY, evidence, found, op, step, the
from unslow.habits.compute_bound import HABIT


def test_is_no_cause() -> None:
    assert HABIT.advice_only
    assert not HABIT.is_cause


def test_says_nothing_where_something_else_takes_the_time() -> None:
    python = step(op("aten::mm", 40))
    waiting = step(op("read", 60, category="data"), op("aten::mm", 40))
    assert not found(HABIT, evidence(python), evidence(waiting), evidence(EMPTY))


def test_names_the_longest_operators() -> None:
    products = op("aten::mm", 20), op("aten::mm", 30)
    busy = step(*products, op("aten::_softmax", 15), op("aten::relu", 10), op("aten::add", 5))
    finding = the(HABIT, evidence(busy))
    assert finding.share == pytest.approx(0.8)
    assert finding.ceiling == 1
    assert "(mm 50 %, softmax 15 %, relu 10 %)" in finding.title
    assert finding.evidence["mm_share"] == pytest.approx(0.5)
