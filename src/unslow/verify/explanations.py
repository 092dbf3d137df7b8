"""Drift of explanations: do the original and the variant give the same reasons for the same answers?

Model-agnostic: parts of a request are occluded one at a time, and a part's attribution is what that takes from the
score (occlusion: Zeiler & Fergus 2014, *Visualizing and understanding convolutional networks*). The same perturbed
requests go to the original and to the variant; drift is the rank correlation of the two attributions, sample by
sample.

Planning and scoring are apart, so that the perturbed requests can be answered in another process::

    plan = plan_perturbations(request, n_groups=16, seed=0)
    base, perturbed = answer(plan.request), [answer(r) for r in plan.perturbed]
    attributions_from(plan, base, perturbed)
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unslow.core.errors import BadInput
from unslow.core.estimate import Estimate
from unslow.verify.intervals import t_quantile
from unslow.verify.outputs import Array, is_float

Floats = NDArray[np.float64]
Answer = Callable[[list[Array]], Array]
Parts = NDArray[np.intp]

SAMPLES_FOR_INTERVAL = 10
"""With fewer samples nothing is claimed about the others: the interval is [-1, 1] (the t quantile's range, too)."""


@dataclass(frozen=True)
class Perturbations:
    """One request and its perturbed copies: in copy `g` part `g` is occluded, everything else is as it was."""

    request: tuple[Array, ...]
    perturbed: tuple[tuple[Array, ...], ...]

    @property
    def n_groups(self) -> int:
        """The number of parts, one attribution each; may be less than was asked for, where there is less to occlude."""
        return len(self.perturbed)


def plan_perturbations(request: Sequence[Array], n_groups: int, seed: int) -> Perturbations:
    """Divides a request into at most `n_groups` parts and occludes each in turn.

    Reals of shape (batch, channels, height, width): patches on a grid, through all channels. Other leaves: neighbouring
    positions of the first axis after the batch (or of the only axis). Reals become their leaf's mean; integers (token
    ids) become others of the same leaf, drawn with `seed`, which keeps them valid. Masks and flags (booleans, and
    integers of at most two values), text, and leaves without anything to occlude are left alone.
    Raises BadInput when nothing is left to occlude.
    """
    leaves = tuple(np.asarray(leaf) for leaf in request)
    open_to_it = [j for j, leaf in enumerate(leaves) if _can_be_occluded(leaf)]
    if not open_to_it or n_groups < 1:
        raise BadInput("The request has nothing to occlude.", "Explanations need an input of reals or of token ids.")
    generator = np.random.default_rng(seed)
    total = sum(leaves[j].size for j in open_to_it)
    perturbed: list[tuple[Array, ...]] = []
    for j in open_to_it:
        share = max(1, round(n_groups * leaves[j].size / total))
        parts = _parts(leaves[j], share)
        for g in range(int(parts.max()) + 1):
            occluded = _occluded(leaves[j], np.broadcast_to(parts == g, leaves[j].shape), generator)
            perturbed.append((*leaves[:j], occluded, *leaves[j + 1 :]))
    return Perturbations(leaves, tuple(perturbed))


def attributions_from(
    plan: Perturbations, base: Array, perturbed: Sequence[Array], *, target: int | None = None, scores: bool = True
) -> Floats:
    """One attribution per part, float64 (plan.n_groups,): how much its occlusion takes from the answer.

    `base` and each of `perturbed` are scores of shape (..., classes) or (): the attribution is the drop of class
    `target` (None: the largest of `base`; give the original's to a variant), meaned over the other axes. With
    `scores=False`, for embeddings, it is the relative change ||base - perturbed|| / ||base||. Raises BadInput when
    answers are missing or change their last axis.
    """
    whole = _table(base)
    others = [_table(one) for one in perturbed]
    if len(others) != plan.n_groups or any(one.shape[1] != whole.shape[1] for one in others):
        raise BadInput(
            f"{plan.n_groups} perturbed requests have {len(others)} answers, or answers of another number of scores.",
            "Explanations need one score per class for each perturbed request.",
        )
    if not scores:
        size = max(float(np.linalg.norm(whole.mean(axis=0))), float(np.finfo(np.float64).tiny))
        return np.array([float(np.linalg.norm(whole.mean(axis=0) - one.mean(axis=0))) / size for one in others])
    mean = whole.mean(axis=0)
    chosen = int(np.argmax(mean)) if target is None else target
    return np.array([float(mean[chosen] - one.mean(axis=0)[chosen]) for one in others])


def attributions(
    answer: Answer,
    request: Sequence[Array],
    n_groups: int,
    seed: int,
    *,
    target: int | None = None,
    scores: bool = True,
) -> Floats:
    """Plans, answers and scores in one go, where `answer(leaves)` can be called here."""
    plan = plan_perturbations(request, n_groups, seed)
    answers = [answer(list(one)) for one in plan.perturbed]
    return attributions_from(plan, answer(list(plan.request)), answers, target=target, scores=scores)


def drift(original: Sequence[Floats], variant: Sequence[Floats], *, alpha: float = 0.05) -> Estimate | None:
    """The mean over samples of the rank correlation of their attributions; 1: the same reasons, 0: unrelated ones.

    `original[i]` and `variant[i]` (parts,) are of the same sample and plan. The interval is a two-sided t-interval over
    samples, cut to [-1, 1]. Samples in which either has no ranks (all parts alike) are skipped; None when all are.
    """
    each = np.array([spearman(a, b) for a, b in zip(original, variant, strict=True)])
    each = each[np.isfinite(each)]
    n = len(each)
    if not n:
        return None
    mean = float(each.mean())
    half = math.inf
    if n >= SAMPLES_FOR_INTERVAL:
        half = t_quantile(1 - alpha / 2, n - 1) * float(each.std(ddof=1)) / math.sqrt(n)
    return Estimate(mean, max(mean - half, -1.0), min(mean + half, 1.0), 1 - alpha, n, "rank correlation")


def spearman(x: NDArray[Any], y: NDArray[Any]) -> float:
    """Spearman's rank correlation with mid-ranks for ties; NaN when either is constant or shorter than 2."""
    a, b = mid_ranks(x), mid_ranks(y)
    a, b = a - a.mean() if a.size else a, b - b.mean() if b.size else b
    size = math.sqrt(float(a @ a) * float(b @ b))
    return float(a @ b) / size if size > 0 else math.nan


def mid_ranks(values: NDArray[Any]) -> Floats:
    """Ranks from 1, float64 (n,); ties share the mean of their ranks."""
    _, inverse, counts = np.unique(np.asarray(values).ravel(), return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return (last - (counts - 1) / 2)[inverse.ravel()].astype(np.float64)


def _can_be_occluded(leaf: Array) -> bool:
    if leaf.dtype.kind == "f":
        return leaf.size > 1
    return leaf.dtype.kind in "iu" and leaf.size > 1 and len(np.unique(leaf)) > 2


def _parts(leaf: Array, n: int) -> Parts:
    """The number of the part that each position belongs to; broadcasts to the leaf's shape."""
    if leaf.ndim == 4 and is_float(leaf):
        height, width = leaf.shape[2:]
        down = min(height, max(1, math.isqrt(n)))
        across = min(width, max(1, n // down))
        return (_runs(height, down)[:, None] * across + _runs(width, across)[None, :])[None, None]
    axis = 1 if leaf.ndim >= 2 else 0
    runs = _runs(leaf.shape[axis], min(n, leaf.shape[axis]))
    return runs.reshape(runs.size, *[1] * (leaf.ndim - axis - 1))


def _runs(length: int, n: int) -> Parts:
    return np.arange(length) * n // length


def _occluded(leaf: Array, where: NDArray[np.bool_], generator: np.random.Generator) -> Array:
    if is_float(leaf):
        finite = leaf[np.isfinite(leaf)]
        return np.where(where, finite.mean() if finite.size else 0, leaf).astype(leaf.dtype)
    return np.where(where, generator.choice(leaf.ravel(), size=leaf.shape), leaf)


def _table(answer: Array) -> Floats:
    table = np.asarray(answer, dtype=np.float64)
    return table.reshape(-1, table.shape[-1]) if table.ndim else table.reshape(1, 1)
