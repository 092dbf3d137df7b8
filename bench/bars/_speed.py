"""What the bars of the two large examples share."""

from __future__ import annotations

from bench._common import Bar, told
from bench._fixed import about, speed_of
from unslow.core.trial import Trial


def speed_bar(name: str, what: str, least: float, trial: Trial | None) -> Bar:
    """The speed-up of a trial against the least that is asked for, by its point."""
    speed = trial.speedup if trial else None
    low, high = (speed.low, speed.high) if speed else (None, None)
    point = speed_of(trial)
    return told(Bar(name, what, f"≥ {least:g}×", point, point >= least, "×", low, high, about(trial)))


def seconds_bar(name: str, what: str, most_s: float, seconds: float) -> Bar:
    """A time against the most that is allowed."""
    return told(Bar(name, what, f"≤ {most_s:g} s", seconds, seconds <= most_s, " s"))
