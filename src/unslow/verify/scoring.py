"""The guard of a script without losses: what its models answer in its first steps, from the same seed."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from unslow.core.trial import Guarded
from unslow.scripts.outputs import StepOutputs

ROUNDING = 1e-3
"""Relative differences of an array up to this are those of another order of sums (as of losses)."""
Steps = Sequence[StepOutputs]


def judged(ours: Steps, theirs: Steps, tag: str, again: Callable[[], Steps]) -> Guarded:
    """The answers of a variant (`theirs`) against the original's; `again()` are those of a second run of the original.

    Of each array some numbers are compared, and a digest of all of them.
    """
    if not ours:
        return Guarded("unproven", "The script has nothing to compare: no losses, and no answers of a model.")
    if not theirs or any(a.leaves != b.leaves for a, b in zip(ours, theirs, strict=False)):
        return Guarded("lost", "Its models answer another number of arrays than the original's.")
    steps = min(len(ours), len(theirs))
    differs = first_difference(ours, theirs)
    if differs is None:
        text = f"What the models answer in {steps} steps is the same to the bit, from the same seed."
        return Guarded("kept", text, numeric={"details": {"rule": "bit-equal", "steps": steps}})
    if any(_becomes_infinite(a, b) for a, b in zip(ours, theirs, strict=False)):
        return Guarded("lost", "Its models answer NaN or infinity where the original's answer numbers.")
    apart = largest_error(ours, theirs)
    about = {"details": {"rule": "outputs", "steps": steps, "error": apart if math.isfinite(apart) else "infinite"}}
    if tag == "exact" and first_difference(ours, again()) is None:
        text = f"An exact fix must leave what is answered as it is: it differs at step {differs + 1}."
        return Guarded("lost", text, numeric=about)
    said = f"What the models answer in {steps} steps differs by {apart:.1e} of its size, from the same seed"
    if apart <= ROUNDING:
        return Guarded("kept", f"{said}.", numeric=about)
    return Guarded("unproven", f"{said}: nothing in the script says which is right.", numeric=about)


def first_difference(a: Steps, b: Steps) -> int | None:
    """The first step in which something else is answered; None where there is none, over what both have."""
    for place, (one, other) in enumerate(zip(a, b, strict=False)):
        if one.digest != other.digest:
            return place
    return None


def largest_error(ours: Steps, theirs: Steps) -> float:
    """Over all arrays, the root mean square of the difference beside that of the original's numbers."""
    found = 0.0
    for one, other in zip(ours, theirs, strict=False):
        for a, b in zip(one.samples, other.samples, strict=False):
            if len(a) != len(b):
                return math.inf
            found = max(found, _error(np.asarray(a), np.asarray(b)))
    return found


def _error(ours: NDArray[np.float64], theirs: NDArray[np.float64]) -> float:
    known = np.isfinite(ours)
    if not known.any():
        return 0.0
    size = float(np.sqrt(np.mean(ours[known] ** 2)))
    error = float(np.sqrt(np.mean((theirs[known] - ours[known]) ** 2)))
    return error / size if size else (0.0 if error == 0 else math.inf)


def _becomes_infinite(ours: StepOutputs, theirs: StepOutputs) -> bool:
    return any(
        math.isfinite(x) and not math.isfinite(y)
        for a, b in zip(ours.samples, theirs.samples, strict=False)
        for x, y in zip(a, b, strict=False)
    )
