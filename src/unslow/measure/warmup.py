"""Warm-up: it ends when turn times show no trend, not after a fixed count.

Looked at after every turn. Two questions, both by ranks and medians, so that a stray slow turn decides nothing:

1. Is there a trend within the last window? Mann-Kendall's test; a slope (Theil-Sen) too small to matter is no trend.
2. Is the last window faster than the one before, beyond the noise? A step that has just been passed (a just-in-time
   compiler) leaves a flat window behind it, which the first question would take for steady.

The window is half of what was seen, up to `LARGEST_WINDOW`: what came early is forgotten, and a slow decay, which
short windows cannot tell from noise, is still seen. The thresholds are strict (a steady program fails a look about
half of the time): the next look comes one turn later, so strictness costs few turns, while stopping early biases all
that follows.

What no such rule can see: a step that comes after a flat stretch longer than the windows, and a decay so slow that it
hides in the noise of `LARGEST_WINDOW` turns.

Sources: Mann, *Nonparametric tests against trend*, Econometrica 13 (1945); Sen, *Estimates of the regression
coefficient based on Kendall's tau*, JASA 63 (1968); why not a fixed count: Barrett et al., *Virtual machine warmup
blows hot and cold*, OOPSLA 2017. The constants were chosen by the simulations that `tests/measure/test_warmup.py`
repeats.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from unslow.core.errors import BadInput

LEAST_TURNS = 10
MOST_TURNS = 80
"""Where warm-up ends whatever the times do; `trending` then tells the caller whether to warn."""
SMALLEST_WINDOW = 5
LARGEST_WINDOW = 12
STRICTNESS = 0.8
"""Standard errors beyond which a trend or a step down counts; far below the usual 2, for looks are repeated."""
NEGLIGIBLE = 0.005
"""Change over a window, as a share of the turn time, that is no trend however sure it is."""

SURE = 2.0
"""Standard errors beyond which a warm-up that was cut short is said to have been getting faster still; one look."""
WORTH_SAYING = 0.02
"""The fall over the last window, as a share of the turn time, that is worth saying: the usual band of noise."""

_MAD_TO_SD = 1.4826
_MEDIAN_TO_MEAN_ERROR = 1.2533
"""A median's standard error over a mean's: sqrt(pi / 2), on normal noise."""


def warmed_up(turn_seconds: Sequence[float]) -> bool:
    """Whether the turns so far (seconds, the first ones first) show that the program has reached its steady speed.

    False before `LEAST_TURNS`, True from `MOST_TURNS` on. Raises `BadInput` for times that are not finite and positive.
    """
    if len(turn_seconds) >= MOST_TURNS:
        return True
    return len(turn_seconds) >= LEAST_TURNS and not trending(turn_seconds)


def trending(turn_seconds: Sequence[float]) -> bool:
    """Whether the last turns still rise or fall. At least `LEAST_TURNS` of them are needed to say that they do not."""
    seconds = np.asarray(turn_seconds, dtype=np.float64)
    if not bool(np.all(np.isfinite(seconds) & (seconds > 0))):
        raise BadInput("A turn took a time that is not a number above zero.", "Give seconds above zero.")
    if seconds.size < LEAST_TURNS:
        return True
    window = min(LARGEST_WINDOW, max(SMALLEST_WINDOW, math.ceil(seconds.size / 2)))
    last, before = seconds[-window:], seconds[-2 * window : -window]
    return _has_slope(last) or _is_lower(last, before)


def speeding_up(turn_seconds: Sequence[float]) -> bool:
    """Whether the last turns surely still got faster: what a warm-up that had no time left must tell.

    Of fewer than `SMALLEST_WINDOW` turns nobody can say.
    """
    window = np.asarray(turn_seconds[-LARGEST_WINDOW:], dtype=np.float64)
    if window.size < SMALLEST_WINDOW:
        return False
    change, score = _mann_kendall(window)
    return change < -WORTH_SAYING * float(np.median(window)) and score < -SURE


def _has_slope(window: NDArray[np.float64]) -> bool:
    """Mann-Kendall on the window, unless its Theil-Sen slope is negligible."""
    change, score = _mann_kendall(window)
    return abs(change) > NEGLIGIBLE * float(np.median(window)) and abs(score) > STRICTNESS


def _mann_kendall(window: NDArray[np.float64]) -> tuple[float, float]:
    """The change over the window by Theil-Sen's slope, in seconds, and Mann-Kendall's score in standard errors."""
    n = window.size
    earlier, later = np.triu_indices(n, 1)
    differences = window[later] - window[earlier]
    change = (n - 1) * float(np.median(differences / (later - earlier)))
    return change, float(np.sign(differences).sum()) / math.sqrt(n * (n - 1) * (2 * n + 5) / 18)


def _is_lower(last: NDArray[np.float64], before: NDArray[np.float64]) -> bool:
    """Whether the median fell from one window to the next, beyond the noise of the last."""
    median = float(np.median(last))
    spread = _MAD_TO_SD * float(np.median(np.abs(last - median)))
    error = _MEDIAN_TO_MEAN_ERROR * spread * math.sqrt(1 / last.size + 1 / before.size)
    return float(np.median(before)) - median > max(NEGLIGIBLE * median, STRICTNESS * error)
