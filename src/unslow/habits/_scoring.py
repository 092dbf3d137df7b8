"""What habits of scripts that only call a model (evaluation, scoring) share: which calls those are."""

from __future__ import annotations

from typing import Any

from unslow.core.script import Noted, ScriptFacts


def scoring_calls(script: ScriptFacts) -> tuple[Noted, ...]:
    """The calls of models by a script that asks for no gradient: empty where it trains, or is about to.

    An optimizer says that it is: what was seen of the script may be an evaluation before the first epoch.
    """
    if script.step not in ("forward", "loader", "step") or script.of_kind("gradient") or script.of_kind("optimizer"):
        return ()
    return tuple(noted for noted in script.of_kind("forward") if noted.times_in_steps)


def most_called(calls: tuple[Noted, ...]) -> Noted:
    """The one that is made most often."""
    return max(calls, key=lambda noted: noted.times_in_steps)


def rows_per_call(noted: Noted) -> float | None:
    """The mean length of the first axis of what a model is called with; None where it has none."""
    rows: Any = noted.details.get("rows")
    return rows / noted.times if rows else None
