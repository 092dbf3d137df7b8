"""Losses of the same steps, of an original and of another → a verdict, over several seeds where bits differ."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from unslow.core.trial import Guarded
from unslow.measure.finals import t_quantile

SEEDS = 6
"""Runs of the original and of the variant where equal bits are not to be had; each pair has a seed of its own."""
ENOUGH_TO_LOSE = 3
"""Of them, those after which what is clearly worse need not go on; nothing is kept that early."""
SPREADS = 2.0
"""Standard deviations of the script's own seeds by which the loss may be worse: another seed is as far away."""
TAIL = 0.5
"""Of the window, the last part whose mean loss is compared: at its beginning all runs are alike."""
LEVEL = 0.95
ROUNDING = 1e-3
"""Relative differences of losses from the same seed up to this are those of another order of sums."""


class LossPairs(Protocol):
    """Losses of the steps of a window, by the seed that the runs are moved by. Each may raise `WorkerFailed`."""

    def ours(self, seed: int, again: bool = False) -> list[float]: ...
    def theirs(self, seed: int) -> list[float]: ...
    def both(self, seed: int) -> tuple[list[float], list[float]]: ...


def judged_losses(pairs: LossPairs, tag: str, tolerance: float, variants: int = 0) -> Guarded | None:
    """`kept` where theirs are the same, rounded otherwise (where the tag allows it), or not worse than other seeds of
    ours make them; None where ours has no losses. `variants` share the error rate."""
    ours = pairs.ours(0)
    if not ours:
        return None
    theirs = pairs.theirs(0)
    if not theirs:
        return Guarded("lost", "It has no losses, where the original has.")
    if not all(map(math.isfinite, theirs)) and all(map(math.isfinite, ours)):
        return Guarded("lost", "Its loss becomes NaN or infinite where the original's does not.")
    same = _first_difference(ours, theirs)
    steps = min(len(ours), len(theirs))
    details: dict[str, Any] = {"rule": "losses", "steps": steps, "original": ours, "variant": theirs}
    if same is None:
        text = f"The losses of {steps} steps are the same to the bit, from the same seed."
        return Guarded("kept", text, numeric={"details": {**details, "rule": "bit-equal"}})
    if tag == "exact" and _first_difference(ours, pairs.ours(0, again=True)) is None:
        text = (
            f"An exact fix must leave the losses as they are: at step {same + 1} it is {theirs[same]:.6g}, "
            f"and {ours[same]:.6g} before."
        )
        return Guarded("lost", text, numeric={"details": details})
    apart = _largest_difference(ours, theirs)
    if tag == "numeric" and len(ours) == len(theirs) and apart <= ROUNDING:
        text = f"The losses of {len(ours)} steps differ by at most {apart:.1e} of their size, from the same seed."
        return Guarded("kept", text, numeric={"details": {**details, "rule": "rounding", "largest": apart}})
    if not all(map(math.isfinite, ours)):
        return Guarded("unproven", "The original's own loss becomes NaN or infinite.", numeric={"details": details})
    return _by_seeds(pairs, tolerance, variants, details)


def _by_seeds(pairs: LossPairs, tolerance: float, variants: int, details: dict[str, Any]) -> Guarded:
    """Not inferior in mean loss at the end of the window, against the spread of the script's own seeds."""
    runs = [pairs.both(seed) for seed in range(ENOUGH_TO_LOSE)]
    early = _over_seeds(runs, tolerance, variants, details)
    if early.verdict == "lost":
        return early
    runs += [pairs.both(seed) for seed in range(ENOUGH_TO_LOSE, SEEDS)]
    return _over_seeds(runs, tolerance, variants, details)


def _over_seeds(
    runs: Sequence[tuple[list[float], list[float]]], tolerance: float, variants: int, details: dict[str, Any]
) -> Guarded:
    """The verdict on the losses of original and variant, over so many seeds."""
    pairs = [(_tail(ours[: len(theirs)]), _tail(theirs[: len(ours)])) for ours, theirs in runs]
    ours, theirs = np.array([a for a, _ in pairs]), np.array([b for _, b in pairs])
    worse, spread = theirs - ours, float(ours.std(ddof=1))
    allowed = max(tolerance * abs(float(ours.mean())), SPREADS * spread)
    # One-sided at each end: only being worse is at stake.
    level = 1 - (1 - LEVEL) / max(1, variants)
    half = t_quantile(level, len(runs) - 1) * float(worse.std(ddof=1)) / math.sqrt(len(runs))
    low, high = float(worse.mean()) - half, float(worse.mean()) + half
    metric = {"loss": float(worse.mean()), "low": low, "high": high, "allowed": allowed, "spread": spread}
    steps = min(len(ours_of) for ours_of, _ in runs)
    said = (
        f"The mean loss of steps {steps // 2} to {steps} is {float(worse.mean()):+.2g} [{low:.2g}, {high:.2g}] "
        f"beside the original's {float(ours.mean()):.3g}, over {len(runs)} seeds"
    )
    about: dict[str, Any] = {"metric": metric, "numeric": {"details": details}}
    if high <= allowed:
        return Guarded("kept", f"{said}: not worse than other seeds make it (by {allowed:.2g}).", **about)
    if low > allowed:
        return Guarded("lost", f"{said}: worse than other seeds make it (by {allowed:.2g}).", **about)
    return Guarded("unproven", f"{said}: too few steps to say that it is not worse by {allowed:.2g}.", **about)


def _first_difference(a: Sequence[float], b: Sequence[float]) -> int | None:
    """The first step whose losses are not the same number; None where there is none, over what both have."""
    return next((place for place, (x, y) in enumerate(zip(a, b, strict=False)) if not _same(x, y)), None)


def _same(x: float, y: float) -> bool:
    return x == y or (math.isnan(x) and math.isnan(y))


def _largest_difference(a: Sequence[float], b: Sequence[float]) -> float:
    """Of the losses of the same steps, relative to the larger one."""
    return max((_apart(x, y) for x, y in zip(a, b, strict=False)), default=0.0)


def _apart(x: float, y: float) -> float:
    if math.isfinite(x) and math.isfinite(y):
        return abs(x - y) / max(abs(x), abs(y), 1e-12)
    return 0.0 if _same(x, y) else math.inf


def _tail(losses: Sequence[float]) -> float:
    return float(np.mean(losses[int(TAIL * len(losses)) :]))
