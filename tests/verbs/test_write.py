"""What a run leaves on the disk, and what it says of the original's mode."""

from __future__ import annotations

import pytest

from handmade import facts
from unslow.verbs._write import _mode  # pyright: ignore[reportPrivateUsage]


@pytest.mark.parametrize(
    ("stochastic", "evaluation_mode", "said"),
    [
        (False, False, None),
        (False, True, "has layers in training mode"),
        (True, True, "answers at random"),
        (True, False, "differently each time"),
    ],
)
def test_at_random_is_only_said_where_it_is_so(stochastic: bool, evaluation_mode: bool, said: str | None) -> None:
    notes = _mode(facts(stochastic=stochastic), evaluation_mode)
    assert len(notes) == (said is not None)
    assert said is None or said in notes[0]
    assert (evaluation_mode and stochastic) or "random" not in " ".join(notes)
