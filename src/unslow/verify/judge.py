"""Judges a variant's answers with the user's own metric, labels and groups, in a process that does nothing else."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from unslow.core.jsonable import to_json
from unslow.core.trial import Guarded
from unslow.core.workload import Inference
from unslow.verify.agreement import judge_agreement
from unslow.verify.metric import check_metric, judge_metric
from unslow.verify.numeric import errors, judge_numeric
from unslow.verify.outcome import Outcome
from unslow.verify.outputs import Answers

GROSS_ERROR = 0.7
"""Relative error of an answer above which nothing is left of the original's: cosine about 0.75."""


@dataclass(frozen=True)
class Case:
    """What is judged: files of answers, the tag of the riskiest fix, and the risk that may be taken.

    `reference` is a float64 run of the original, on the requests `reference_places` alone where there are some. `again`
    is a second run of an original that answers differently each time. Both are "" where there is none. `seconds` is for
    the resamples of a metric.
    """

    original: str
    variant: str
    tag: str
    tolerance: float
    alpha: float
    seed: int
    reference: str = ""
    again: str = ""
    seconds: float = math.inf
    reference_places: tuple[int, ...] = ()


def read_answers(path: str | Path) -> Answers:
    """The answers that a process wrote: an `.npz` of leaves named `request/leaf`."""
    table: dict[int, dict[int, Any]] = {}
    with np.load(path, allow_pickle=False) as arrays:
        for key in arrays.files:
            request, leaf = key.split("/")
            table.setdefault(int(request), {})[int(leaf)] = arrays[key]
    return Answers.of([[leaves[index] for index in sorted(leaves)] for _, leaves in sorted(table.items())])


def check(inference: Inference, original: str) -> float | None:
    """The user's metric on the original's answers; None where there is none. Raises BadInput where it cannot be
    used."""
    if inference.metric is None:
        return None
    return check_metric(inference.metric, read_answers(original), inference.labels)


def judge(inference: Inference, case: Case) -> Guarded:
    """Exact and numeric fixes by the error of every answer; lossy ones, and those whose error is larger, by
    evidence."""
    original, variant = read_answers(case.original), read_answers(case.variant)
    if reason := _broken(original, variant):
        return Guarded("lost", reason)
    numeric = _numeric(original, variant, case)
    if numeric is not None and numeric.verdict == "kept":
        return Guarded("kept", numeric.reason, numeric=to_json(numeric))
    metric = _metric(inference, original, variant, case)
    return _by_evidence(original, variant, numeric, metric, _agreement(inference, original, variant, case))


def compared(a: Answers, b: Answers, tolerance: float, alpha: float = 0.05, seed: int = 0) -> Guarded:
    """Whether two models, of whatever origin, answer the same requests alike: by the error, else by agreement."""
    if reason := _broken(a, b):
        return Guarded("lost", reason)
    numeric = judge_numeric(a, b)
    if numeric.verdict == "kept":
        return Guarded("kept", numeric.reason, numeric=to_json(numeric))
    return _by_evidence(a, b, numeric, None, judge_agreement(a, b, tolerance=tolerance, alpha=alpha, seed=seed))


def _broken(original: Answers, variant: Answers) -> str:
    """Why the answers cannot be right, whatever the numbers are; "" if they may be."""
    if reason := original.difference_of_structure(variant):
        return reason
    return "" if variant.finite(original) else "It answers NaN or infinity where the original answers numbers."


def _by_evidence(
    original: Answers, variant: Answers, numeric: Outcome | None, metric: Outcome | None, agreement: Outcome
) -> Guarded:
    deciding = metric or agreement
    if deciding.verdict == "unproven" and numeric is not None and _is_wrong(original, variant):
        # Too few samples to prove a loss of accuracy, but a fix that only reorders sums does not do this to an answer.
        deciding = replace(numeric, verdict="lost")
    return Guarded(
        deciding.verdict,
        deciding.reason,
        metric=to_json(metric) if metric else {},
        agreement=to_json(agreement),
        numeric=to_json(numeric) if numeric else {},
    )


def _is_wrong(original: Answers, variant: Answers) -> bool:
    return bool((errors(variant, original) > GROSS_ERROR).any())


def _numeric(original: Answers, variant: Answers, case: Case) -> Outcome | None:
    if case.tag == "lossy":
        return None
    reference = read_answers(case.reference) if case.reference else None
    again = read_answers(case.again) if case.again else None
    places = case.reference_places or None
    return judge_numeric(original, variant, reference, exact=case.tag == "exact", again=again, places=places)


def _metric(inference: Inference, original: Answers, variant: Answers, case: Case) -> Outcome | None:
    if inference.metric is None:
        return None
    return judge_metric(
        inference.metric,
        original,
        variant,
        inference.labels,
        tolerance=case.tolerance,
        groups=_of(inference.groups),
        slices=_of(inference.slices),
        alpha=case.alpha,
        seed=case.seed,
        seconds=case.seconds,
    )


def _agreement(inference: Inference, original: Answers, variant: Answers, case: Case) -> Outcome:
    # Agreement is judged by request: groups and slices that were given by row of a batch say nothing about it.
    by_request = len(original) == len(inference.requests_judged)
    return judge_agreement(
        original,
        variant,
        tolerance=case.tolerance,
        groups=_of(inference.groups) if by_request else None,
        slices=_of(inference.slices) if by_request else None,
        alpha=case.alpha,
        seed=case.seed,
    )


def _of(given: Sequence[Any] | None) -> Any:
    return None if given is None else list(given)
