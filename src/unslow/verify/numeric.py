"""`exact` and `numeric` fixes: the output error on every request, against the original's own error.

The error of one answer against another is, per float leaf, the larger of the norm-wise error ||a - b|| / ||b|| and the
largest element's error max|a - b| / max|b| (which sees a single wrong element that a norm would hide); over the leaves,
the largest. Norm-wise, because the elements of a sum of products have no relative accuracy of their own (Higham 2002,
*Accuracy and Stability of Numerical Algorithms*, 2nd ed., ch. 3). Outputs near zero are measured against the size that
the same leaf usually has.

A variant's error is allowed to be what the original's own is: `OWN_ERROR_FACTOR` times the error of the original
against a float64 run, or a small level at which reordered sums are told from damage.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unslow.verify.outcome import Detail, Outcome
from unslow.verify.outputs import Answers, Array, is_float

Errors = NDArray[np.float64]

OWN_ERROR_FACTOR = 8.0
"""Three bits. Two orders of one sum err by independent draws of one size: their ratio passes 8 in 8 % of scalar outputs
(two half-normals: 2/π · atan 1/8), hardly ever in a norm of many; the median request's own error counts as well."""
NUMERIC_LEVEL = 1e-4
"""Relative, for `numeric` fixes. Reassociating float32 gives about sqrt(terms × layers) · eps (probabilistic rounding
analysis: Higham & Mary 2019, SIAM J. Sci. Comput. 41(5)); 4,096 terms, 100 layers: 8e-5. Quantising errs by 1e-2."""
EXACT_LEVEL_EPS = NUMERIC_LEVEL / float(np.finfo(np.float32).eps)
"""The same in units of eps, for `exact` fixes: 1e-4 for a float32 original, 1.9e-13 for a float64 one."""
HALF_LEVEL_EPS = 8.0
"""The most that is allowed in units of eps where that is more than `NUMERIC_LEVEL` (a float16 original: 8e-3)."""
ASSUMED_ERROR_EPS = 64.0
"""The original's own error, in eps, without a float64 run: sqrt(4,096), a long inner product, well conditioned."""
NEAR_ZERO = 1e-3
"""An answer below this share of its leaf's usual size is measured against that share instead."""
ALL_ZERO = 1e-12
"""The size per element that a leaf of zeros is taken to have."""


def original_error(original: Answers, reference: Answers | None) -> Errors:
    """The original's own relative error per request, float64 (requests,).

    `reference` is a float64 run of the same model on the same requests. None: not available; then 64 eps of the
    coarsest float dtype of the outputs are assumed.
    """
    if reference is None:
        return np.full(len(original), ASSUMED_ERROR_EPS * _eps(original))
    return errors(original, reference)


def errors(answers: Answers, truth: Answers) -> Errors:
    """The relative error of each answer against `truth` (same structure), float64 (requests,).

    Infinite where NaNs or infinities do not stand in the same places. Discrete leaves do not count.
    """
    usual = _usual_sizes(truth)
    found = np.zeros(len(answers))
    for i, (mine, true) in enumerate(zip(answers.leaves, truth.leaves, strict=True)):
        for j, (a, b) in enumerate(zip(mine, true, strict=True)):
            if is_float(b) and b.size:
                found[i] = max(found[i], _leaf_error(a, b, NEAR_ZERO * usual[j]))
    return found


def judge_numeric(
    original: Answers,
    variant: Answers,
    reference: Answers | None = None,
    *,
    exact: bool = False,
    again: Answers | None = None,
    places: Sequence[int] | None = None,
) -> Outcome:
    """Whether a fix that is tagged `numeric`, or `exact`, kept the outputs; `details["rule"]` says by which rule.

    `reference` is a float64 run of the original on the requests `places` (None: on all). The others are held against
    the original itself, and their own error is taken for the median of those. `again` is a second run of the original.

    Rules: `bit-equal`; `run-to-run` (exact only: no further from the original than the original from itself); `numeric`
    (error within the allowance on every request). Discrete leaves are equal, except, for `numeric`, labels that are the
    argmax of a float leaf in which the two classes tie within the error.
    """
    if not len(original):
        return Outcome("unproven", "numeric", "There are no requests to compare the outputs on.")
    if reason := original.difference_of_structure(variant):
        return Outcome("lost", "numeric", reason)
    known = None if reference is None else _Reference(reference, range(len(original)) if places is None else places)
    if known is not None and (reason := original.take(known.places).difference_of_structure(known.answers)):
        return Outcome("lost", "numeric", reason)
    if not variant.finite(original):
        return Outcome(
            "lost", "numeric", "The variant answers NaN or infinity where the original's numbers are finite."
        )
    n = len(original)
    if _bit_equal(original, variant):
        return Outcome("kept", "numeric", f"Bit-equal on all {n} requests.", details=_numbers("bit-equal", 0.0, 0.0, n))
    allowed = _allowed(original, known, exact)
    if reason := _discrete_difference(original, variant, None if exact else allowed):
        return Outcome("lost", "numeric", reason, details={"rule": "discrete", "requests": n})
    if exact and again is not None and not original.difference_of_structure(again):
        apart, own = float(errors(variant, original).max()), float(errors(again, original).max())
        if apart <= own:
            reason = f"Within the original's own run-to-run difference on all {n} requests: {apart:.2g} of {own:.2g}."
            return Outcome("kept", "numeric", reason, details=_numbers("run-to-run", apart, own, n))
    return _by_rule(_errors_against(known, original, variant), allowed, known, exact)


@dataclass(frozen=True)
class _Reference:
    """A float64 run on some of the requests, or on all."""

    answers: Answers
    places: Sequence[int]


def _errors_against(reference: _Reference | None, original: Answers, variant: Answers) -> Errors:
    """The variant's error against the reference; against the original where there is none, or it is of no use."""
    found = errors(variant, original)
    if reference is not None:
        places = np.asarray(reference.places)
        usable = np.isfinite(errors(original.take(places), reference.answers))
        found[places] = np.where(usable, errors(variant.take(places), reference.answers), found[places])
    return found


def _by_rule(found: Errors, allowed: Errors, reference: _Reference | None, exact: bool) -> Outcome:
    """The numeric rule: the error of every request against its allowance."""
    worst = int(np.argmax(found / allowed))
    error, limit, n = float(found[worst]), float(allowed[worst]), len(found)
    against = "the original (no float64 run: its own error is assumed)"
    if reference is not None:
        some = len(reference.places)
        against = "a float64 run" if some == n else f"a float64 run (of {some} requests; else the original)"
    start = "Not bit-equal. " if exact else ""
    over = int((found > allowed).sum())
    numbers = {
        **_numbers("numeric", error, limit, n),
        "against": "original" if reference is None else "reference",
        "beyond": over,
    }
    if over:
        reason = f"{start}The error against {against} is {error:.2g} on request {worst}, {limit:.2g} is allowed; "
        return Outcome("lost", "numeric", f"{reason}{over} of {n} requests are beyond it.", details=numbers)
    reason = f"{start}The error against {against} is at most {error:.2g} on {n} requests, {limit:.2g} is allowed."
    return Outcome("kept", "numeric", reason, details=numbers)


def _numbers(rule: str, error: float, allowed: float, n: int) -> Mapping[str, Detail]:
    shown = error if math.isfinite(error) else "infinite"
    return {"rule": rule, "error": shown, "allowed": allowed, "requests": n}


def _allowed(original: Answers, reference: _Reference | None, exact: bool) -> Errors:
    """The error that each request may have, float64 (requests,)."""
    own = original_error(original, None)
    if reference is not None:
        known = original_error(original.take(np.asarray(reference.places)), reference.answers)
        known = np.where(np.isfinite(known), known, 0.0)
        own = np.full(len(original), np.median(known))
        own[np.asarray(reference.places)] = known
    eps = _eps(original)
    level = min(EXACT_LEVEL_EPS * eps, max(NUMERIC_LEVEL, HALF_LEVEL_EPS * eps))
    if not exact:
        level = max(NUMERIC_LEVEL, HALF_LEVEL_EPS * eps)
    return np.maximum(OWN_ERROR_FACTOR * np.maximum(own, np.median(own)), level)


def _eps(answers: Answers) -> float:
    """The spacing of the coarsest float dtype among the leaves; of float32 when there is none."""
    kinds = {leaf.dtype for request in answers.leaves for leaf in request if is_float(leaf)}
    return max((float(np.finfo(dtype).eps) for dtype in kinds), default=float(np.finfo(np.float32).eps))


def _usual_sizes(answers: Answers) -> Errors:
    """Per leaf number, the median over the requests of the root mean square of its finite elements."""
    columns: dict[int, list[float]] = {}
    for request in answers.leaves:
        for j, leaf in enumerate(request):
            columns.setdefault(j, []).append(_rms(leaf) if is_float(leaf) else 0.0)
    return np.array([float(np.median(columns[j])) for j in sorted(columns)])


def _rms(leaf: Array) -> float:
    values = np.abs(leaf[np.isfinite(leaf)].astype(np.complex128 if leaf.dtype.kind == "c" else np.float64))
    return float(np.sqrt(np.mean(values**2))) if values.size else 0.0


def _leaf_error(a: Array, b: Array, floor: float) -> float:
    """The larger of the norm-wise and the largest element's relative error; `floor` is a size per element."""
    wide = np.complex128 if b.dtype.kind == "c" else np.float64
    x, y = a.astype(wide).ravel(), b.astype(wide).ravel()
    finite = np.isfinite(x) & np.isfinite(y)
    if not np.array_equal(x[~finite], y[~finite], equal_nan=True):
        return math.inf
    if not finite.any():
        return 0.0
    apart, size = np.abs(x[finite] - y[finite]), np.abs(y[finite])
    least = max(floor, ALL_ZERO)
    norm = float(np.linalg.norm(apart)) / max(float(np.linalg.norm(size)), least * math.sqrt(size.size))
    return max(norm, float(apart.max()) / max(float(size.max()), least))


def _bit_equal(original: Answers, variant: Answers) -> bool:
    """Same dtypes and same bytes in every leaf of every request."""
    return all(
        a.dtype == b.dtype and (a.tobytes() == b.tobytes() if a.dtype.kind != "O" else bool(np.array_equal(a, b)))
        for mine, theirs in zip(original.leaves, variant.leaves, strict=True)
        for a, b in zip(mine, theirs, strict=True)
    )


def _discrete_difference(original: Answers, variant: Answers, allowed: Errors | None) -> str | None:
    """Where a discrete leaf differs by more than a tie, as a sentence. `allowed` None: ties are no excuse."""
    for i, (mine, theirs) in enumerate(zip(original.leaves, variant.leaves, strict=True)):
        for j, (a, b) in enumerate(zip(mine, theirs, strict=True)):
            if is_float(a) or np.array_equal(a, b):
                continue
            source = None if allowed is None else _scores_of(original, j)
            if allowed is None or source is None or not _tied(mine[source], a, b, float(allowed[i])):
                count = int(np.sum(np.asarray(a != b)))
                return (
                    f"Output {j} differs in {count} of {a.size} elements on request {i} (it holds labels, not reals)."
                )
    return None


def _scores_of(original: Answers, j: int) -> int | None:
    """The number of the float leaf whose argmax over the last axis is leaf `j`, on every request of the original."""
    for k in range(len(original.leaves[0])):
        if all(len(r) > max(j, k) and _is_argmax(r[j], r[k]) for r in original.leaves):
            return k
    return None


def _is_argmax(labels: Array, scores: Array) -> bool:
    if scores.dtype.kind != "f" or not scores.ndim or not scores.shape[-1] or labels.dtype.kind not in "iu":
        return False
    top = np.argmax(scores, axis=-1)
    return labels.size == top.size and np.array_equal(labels.ravel(), top.ravel())


def _tied(scores: Array, mine: Array, theirs: Array, allowed: float) -> bool:
    """Whether the two labels' scores are closer than the error allowed in both of them."""
    table = scores.reshape(-1, scores.shape[-1]).astype(np.float64)
    first, second = mine.ravel().astype(np.intp), theirs.ravel().astype(np.intp)
    if np.any((second < 0) | (second >= table.shape[1])):
        return False
    rows = np.arange(len(table))
    gap = np.abs(table[rows, first] - table[rows, second])
    return bool(np.all(gap <= 2 * allowed * np.abs(table).max()))
