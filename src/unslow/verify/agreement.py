"""`lossy` fixes without a metric: agreement with the original on the user's own inputs.

Per request a distance between the two answers, its mean over the requests judged like the loss of a metric
(`losses.py`): below the tolerance for sure, above it for sure, or unproven.

- a float leaf: 1 - cosine of each row (along the leading axis; a leaf without rows is one), or (relative error)² / 2
  where that is more. The two agree for small errors; a cosine alone would not see that a variant answers twice as much.
- fewer than 4 numbers a row: the relative error.
- a discrete leaf (labels, masks, text): the share of elements that differ.

An answer's distance is its worst leaf's. Where an answer is class scores, top-1 agreement is judged too, and both must
hold (each at risk alpha: to claim both is no riskier than to claim one; Berger 1982, Technometrics 24(4)).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from unslow.core.estimate import Estimate
from unslow.verify.losses import LossOf, LossVerdict, Question, judge_loss
from unslow.verify.numeric import ALL_ZERO, NEAR_ZERO
from unslow.verify.outcome import Detail, Outcome, severity
from unslow.verify.outputs import Answers, Array, is_float
from unslow.verify.resampling import Rows, Units, units_of
from unslow.verify.slices import PerRow, check_arguments, combined, judge_slices

Floats = NDArray[np.float64]

SHORT_VECTOR = 4
"""Rows of fewer numbers are compared by relative error: their cosine says little (of one number: nothing)."""
UNIT_NORM = 1e-3
"""Rows whose norms are 1 to within this are normalised embeddings, not class scores."""
PROBABILITY_SUM = 1e-2
"""Rows without a negative number that sum to 1 to within this are probabilities, whatever their norms."""


def judge_agreement(
    original: Answers,
    variant: Answers,
    *,
    tolerance: float,
    groups: PerRow | None = None,
    slices: PerRow | None = None,
    alpha: float = 0.05,
    seed: int = 0,
    scores: bool | None = None,
) -> Outcome:
    """Whether the variant agrees with the original to within `tolerance` (0.01: 99 %); groups, slices: one per request.

    `scores` says whether the answers are class scores; None: they are looked at (`looks_like_scores`). The estimate is
    the one that decided: `top-1 agreement` (a rate), or `distance` (a mean).
    Raises BadUsage for a senseless tolerance, BadInput for groups or slices that are not one per request.
    """
    n = len(original)
    check_arguments(tolerance, alpha, n, groups=groups, slices=slices)
    if reason := original.difference_of_structure(variant):
        return Outcome("lost", "agreement", reason)
    if not variant.finite(original):
        return Outcome("lost", "agreement", "The variant answers NaN or infinity where the original's are finite.")
    units, worst = units_of(n, groups), distances(original, variant)
    question = Question(tolerance, alpha, seed, unit="distance", said="differs by {} (1 - cosine, or as it fits)")
    result = judge_loss(_mean_of(worst), units, question)
    details: dict[str, Detail] = {"tolerance": tolerance, "resampled": units.name, "requests": n}
    details["distance"] = _mean(worst)
    leaf = _scores_leaf(original, scores)
    if leaf is not None:
        changed = top_1_changed(original, variant, leaf)
        details["top_1_agreement"] = 1 - _mean(changed)
        result = _both(_judge_top_1(changed, units, question), result)
        worst, question = np.maximum(worst, changed), replace(question, said="differs by {} (top-1 or 1 - cosine)")
    return combined("agreement", result, judge_slices(_mean_of(worst), units, slices, question), details)


def distances(original: Answers, variant: Answers) -> Floats:
    """The distance of each answer of the variant from the original's, float64 (requests,); see the module."""
    usual = _usual_largest(original)
    pairs = zip(original.leaves, variant.leaves, strict=True)
    return np.array(
        [
            max((_distance(a, b, usual[j]) for j, (a, b) in enumerate(zip(mine, theirs, strict=True))), default=0.0)
            for mine, theirs in pairs
        ]
    )


def top_1_changed(original: Answers, variant: Answers, leaf: int) -> Floats:
    """The share of each answer's rows whose largest score in leaf `leaf` is another class; float64 (requests,)."""
    pairs = zip(original.leaves, variant.leaves, strict=True)
    return np.array(
        [np.mean(np.argmax(mine[leaf], axis=-1) != np.argmax(theirs[leaf], axis=-1)) for mine, theirs in pairs],
        dtype=np.float64,
    )


def looks_like_scores(answers: Answers, leaf: int) -> bool:
    """Whether leaf `leaf` may hold class scores: reals of shape (..., classes), two axes or more, two classes or more.

    Rows that all have norm 1 are embeddings, unless they are probabilities. Embeddings that are not normalised look
    like logits: their largest element is then compared too, which is stricter than need be, and `scores=False` turns
    it off.
    """
    tables = [request[leaf] for request in answers.leaves]
    if not all(t.dtype.kind == "f" and t.ndim >= 2 and t.shape[-1] >= 2 and t.size for t in tables):
        return False
    rows = [table.reshape(-1, table.shape[-1]).astype(np.float64) for table in tables]
    if all(bool(np.all(r >= 0)) and bool(np.all(np.abs(r.sum(axis=1) - 1) <= PROBABILITY_SUM)) for r in rows):
        return True
    return not all(bool(np.all(np.abs(np.linalg.norm(r, axis=1) - 1) <= UNIT_NORM)) for r in rows)


def _scores_leaf(answers: Answers, scores: bool | None) -> int | None:
    """The first leaf that is to be read as class scores, if any."""
    if scores is False or not len(answers) or len({len(request) for request in answers.leaves}) != 1:
        return None
    for j in range(len(answers.leaves[0])):
        tables = [request[j] for request in answers.leaves]
        if scores and all(t.dtype.kind == "f" and t.ndim and t.shape[-1] >= 2 and t.size for t in tables):
            return j
        if not scores and looks_like_scores(answers, j):
            return j
    return None


def _both(first: LossVerdict, second: LossVerdict) -> LossVerdict:
    """The worse of two verdicts, which must both hold, with its estimate (the first's if they are equal)."""
    worse = second if severity(second.verdict) > severity(first.verdict) else first
    needed = [r.needed for r in (first, second) if r.verdict == "unproven"]
    enough = None if None in needed else max((k for k in needed if k is not None), default=None)
    return replace(worse, reason=f"{first.reason}; {second.reason}", needed=enough)


def _judge_top_1(changed: Floats, units: Units, question: Question) -> LossVerdict:
    """The share of changed classes, judged; shown as the rate of agreement. With one row a request: Clopper-Pearson."""
    classes = replace(question, unit="top-1 agreement", said="changes {} of the top-1 classes")
    result = judge_loss(_mean_of(changed), units, classes)
    e = result.estimate
    if e is None:
        return result
    agreement = Estimate(1 - e.point, max(1 - e.high, 0.0), min(1 - e.low, 1.0), e.level, e.n, e.unit)
    return replace(result, estimate=agreement)


def _mean_of(values: Floats) -> LossOf:
    def mean(rows: Rows) -> float:
        return float(values[rows].mean())

    return mean


def _mean(values: Floats) -> float:
    return float(values.mean()) if values.size else 0.0


def _usual_largest(answers: Answers) -> list[float]:
    """Per leaf number, the median over the requests of the largest size of its finite elements."""
    width = max((len(request) for request in answers.leaves), default=0)
    columns = [[r[j] for r in answers.leaves if len(r) > j and is_float(r[j])] for j in range(width)]
    return [float(np.median([_largest(leaf) for leaf in column])) if column else 0.0 for column in columns]


def _largest(leaf: Array) -> float:
    sizes = np.abs(leaf[np.isfinite(leaf)])
    return float(sizes.max()) if sizes.size else 0.0


def _distance(a: Array, b: Array, usual: float) -> float:
    """The distance of one leaf: the mean over its rows."""
    if not a.size:
        return 0.0
    if not is_float(a):
        return float(np.mean(np.asarray(a != b)))
    wide = np.complex128 if a.dtype.kind == "c" else np.float64
    both = np.isfinite(a) & np.isfinite(b)
    x, y = (np.where(both, leaf, 0).astype(wide).reshape(len(leaf) if leaf.ndim >= 2 else 1, -1) for leaf in (a, b))
    least = max(NEAR_ZERO * usual, ALL_ZERO)
    norm_x, norm_y = np.linalg.norm(x, axis=1), np.linalg.norm(y, axis=1)
    relative = np.linalg.norm(x - y, axis=1) / np.maximum(norm_x, least)
    if x.shape[1] < SHORT_VECTOR:
        return float(relative.mean())
    inner = np.real(np.sum(np.conj(x) * y, axis=1))
    cosine = inner / np.maximum(norm_x * norm_y, least**2)
    return float(np.maximum(np.where(relative == 0, 0.0, 1 - cosine), relative**2 / 2).mean())
