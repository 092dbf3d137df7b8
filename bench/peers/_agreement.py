"""How far a peer's answers are from the original's."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from unslow.verify.outputs import Answers


@dataclass(frozen=True)
class Agreement:
    """Cosine of each answer (its leaves as one vector) to the original's: the mean and the least; the share of answers
    whose largest element is the same one (top-1 of a classifier; says little of an embedding)."""

    cosine_mean: float
    cosine_least: float
    top_1: float
    requests: int


def agreement(original: Answers, other: Answers) -> Agreement:
    """Over the requests that both answered, in order.

    Raises
    ------
    ValueError
        The answers have other sizes.
    """
    pairs = [(_vector(mine), _vector(theirs)) for mine, theirs in zip(original.leaves, other.leaves, strict=False)]
    cosines = [_cosine(a, b) for a, b in pairs]
    same = [int(a.argmax()) == int(b.argmax()) for a, b in pairs]
    return Agreement(float(np.mean(cosines)), float(min(cosines)), float(np.mean(same)), len(pairs))


def _vector(leaves: tuple[np.ndarray, ...]) -> np.ndarray:
    return np.concatenate([np.asarray(leaf, dtype=np.float64).reshape(-1) for leaf in leaves])


def _cosine(a: np.ndarray, b: np.ndarray) -> float:
    lengths = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(a @ b) / lengths if lengths else float(np.array_equal(a, b))
