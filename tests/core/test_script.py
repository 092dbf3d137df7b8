from __future__ import annotations

import pytest

from unslow.core.script import ScriptFacts


@pytest.mark.parametrize(
    ("period", "rhythm", "step_s", "turn"),
    [
        (0, 0, 0.1, 1),
        (94, 0, 0.2, 1),  # An epoch takes 19 s.
        (8, 0, 0.1, 8),
        (8, 4, 0.1, 8),  # What is done every four steps is done twice in it.
        (94, 10, 0.2, 10),
        (94, 50, 0.2, 1),
    ],
)
def test_a_turn_holds_what_is_done_once_an_epoch_or_every_so_many_steps(
    period: int, rhythm: int, step_s: float, turn: int
) -> None:
    assert ScriptFacts("optimizer", 100, period, rhythm).turn_steps(step_s) == turn
