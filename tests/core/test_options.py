"""Options that make no sense are refused where they are said, in two plain lines."""

from __future__ import annotations

import math
from typing import Any

import pytest

from unslow.core.errors import BadUsage
from unslow.core.options import Options


@pytest.mark.parametrize(
    "chosen",
    [
        {},
        {"rate": 0.0, "tolerance": 0.0, "p99_below_ms": 0.001},
        {"rate": 20.0, "tolerance": 0.5, "p99_below_ms": 50.0},
        {"tolerance": None, "p99_below_ms": None, "patience_s": None},
        {"worth": 1.0, "noise": 0.0, "patience_s": 0.1, "budget_s": 0.1},
    ],
)
def test_what_makes_sense(chosen: dict[str, Any]) -> None:
    assert all(getattr(Options(**chosen), name) == value for name, value in chosen.items())


@pytest.mark.parametrize(
    ("name", "says"),
    [("rate", "--rate"), ("tolerance", "--tolerance"), ("p99_below_ms", "--p99-below")],
)
@pytest.mark.parametrize("value", [-1.0, -1e-9, math.nan, math.inf])
def test_what_compares_with_no_time_or_loss(name: str, says: str, value: float) -> None:
    with pytest.raises(BadUsage, match=says) as error:
        Options(**{name: value})  # type: ignore[arg-type]
    assert len(str(error.value).splitlines()) == 2


@pytest.mark.parametrize(
    "chosen",
    [
        {"p99_below_ms": 0.0},
        {"budget_s": 0.0},
        {"budget_s": math.nan},
        {"patience_s": 0.0},
        {"patience_s": math.nan},
        {"worth": 0.99},
        {"worth": math.nan},
        {"noise": 1.0},
        {"noise": math.nan},
        {"alpha": 0.0},
        {"objective": "beauty"},
        {"after_steps": -1},
    ],
)
def test_limits_that_nothing_can_keep(chosen: dict[str, Any]) -> None:
    with pytest.raises(BadUsage) as error:
        Options(**chosen)
    assert len(str(error.value).splitlines()) == 2
