"""`lossy` fixes, judged with the user's metric: the paired loss, original minus variant, on the same samples.

**What a metric is given.** `metric(outputs, labels) -> float`, higher is better, with one entry of `outputs` per entry
of `labels` (see `outputs.per_label`: an array of shape (labels, ...) where an answer is one array of one shape, else a
list). It is also called on *resamples*: entries drawn with replacement, so some are missing and some repeated, and
always `outputs[k]` belongs to `labels[k]`. `labels` is an array if the user gave an array, else a list; where the user
gave none, it is the numbers of the requests. A metric must therefore

- not depend on the order of the entries: what belongs together is found by the labels, never by position;
- count a repeated entry as often as it is there.

**A metric that closes over a table of pairs.** The requests are texts, the metric is a correlation over pairs of them,
so `labels` says which text an entry is, and a pair counts once for each copy of its two texts::

    texts = sorted({text for a, b, _ in pairs for text in (a, b)})          # the requests, and the labels

    def correlation(outputs, labels):                                       # outputs: (len(labels), 384)
        rows = {text: [] for text in texts}
        for k, text in enumerate(labels):
            rows[text].append(k)
        found = [(i, j, human) for a, b, human in pairs for i in rows[a] for j in rows[b]]
        left, right, human = (np.array(column) for column in zip(*found))
        return spearman(cosine(outputs[left], outputs[right]), human)

    unslow.Inference(model, requests, labels=texts, metric=correlation, groups=words)   # groups: one word per text

Drawing texts (or, with `groups=`, words) this way repeats a pair by the product of its members' counts: the bootstrap
for dyadic data. Where a request is itself a pair, `groups=[("tiger", "cat"), ...]` does the same.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, final

import numpy as np

from unslow.core.errors import BadInput
from unslow.verify.losses import JACKKNIFE_BLOCKS, MOST_RESAMPLES, RESAMPLES, LossVerdict, Question, judge_loss
from unslow.verify.outcome import Outcome
from unslow.verify.outputs import Answers, Labels, PerLabel, per_label
from unslow.verify.resampling import Rows, Units, units_of
from unslow.verify.slices import PerRow, check_arguments, combined, judge_slices

Metric = Callable[[Any, Any], float]

CONVENTION = "It is called as metric(outputs, labels), one output per label, and returns a number, higher is better."
ORDER_TOLERANCE = 1e-5
"""Relative: another order of summation moves a float32 mean by less."""
LEAST_RESAMPLES = 200
"""With fewer the end of the interval is one of the few largest losses drawn: an accident."""
REPEAT_DRAWS = 8
"""Resamples in which a metric that ignores repeats gives itself away."""
LONGEST_MESSAGE = 200


def judge_metric(
    metric: Metric,
    original: Answers,
    variant: Answers,
    labels: Labels | None,
    *,
    tolerance: float,
    groups: PerRow | None = None,
    slices: PerRow | None = None,
    alpha: float = 0.05,
    seed: int = 0,
    resamples: int = RESAMPLES,
    seconds: float = math.inf,
    clock: Callable[[], float] = time.perf_counter,
) -> Outcome:
    """Whether the variant keeps the metric to within `tolerance` (in the metric's own unit).

    `groups` and `slices`: one per label. Without groups the requests are resampled. `alpha` is the one-sided risk of a
    wrong `kept`. The verdict is the worst of the whole and of the slices. `seconds` is what judging may take, roughly:
    a slow metric has fewer resamples, and where `LEAST_RESAMPLES` of them do not fit the verdict is `unproven`.
    Raises BadInput when the metric cannot be used on the original's own outputs, BadUsage on a senseless tolerance.
    """
    base = check_metric(metric, original, labels)
    before = Scored.of(metric, original, labels)
    check_arguments(tolerance, alpha, before.n, groups=groups, slices=slices)
    changed = _score_of_variant(metric, original, variant, labels)
    if isinstance(changed, str):
        return Outcome("lost", "metric", changed, details={"original": base, "tolerance": tolerance})
    after = Scored.of(metric, variant, labels)

    def loss_of(rows: Rows) -> float:
        return before.score(rows) - after.score(rows)

    units = _units(before, groups)
    numbers = {"original": base, "variant": changed, "tolerance": tolerance}
    details = {**numbers, "resampled": units.name, "samples": before.n}
    call_s = _seconds_of_a_call(before, clock)
    fit = resamples_that_fit(call_s, seconds, units.n_units, parts=1 if slices is None else 2)
    if fit < LEAST_RESAMPLES:
        return Outcome("unproven", "metric", _too_slow(base - changed, call_s, seconds, fit), details=details)
    scale = max(1.0, abs(base))
    question = Question(tolerance, alpha, seed, min(resamples, fit), scale, most_resamples=fit)
    result = _countable(judge_loss(loss_of, units, question), before, units, seed)
    return combined("metric", result, judge_slices(loss_of, units, slices, question), details)


def resamples_that_fit(call_s: float, seconds: float, n_units: int, parts: int = 1) -> int:
    """How many resamples a metric of `call_s` seconds a call can have in `seconds`; `MOST_RESAMPLES` at most.

    Each is scored on both sides, and so is the sample without each unit (or block of units). The slices together, being
    the samples once more, cost about as much as the whole: `parts` is 2 with them.
    """
    if not math.isfinite(seconds) or call_s <= 0:
        return MOST_RESAMPLES
    scored = seconds / (2 * call_s * parts)
    return max(0, min(MOST_RESAMPLES, int(scored - min(n_units, JACKKNIFE_BLOCKS))))


def _seconds_of_a_call(scored: Scored, clock: Callable[[], float]) -> float:
    """Of the metric on all samples. It has been called before: what it loads or compiles at first is not in it."""
    started = clock()
    scored.score(np.arange(scored.n))
    return clock() - started


def _too_slow(loss: float, call_s: float, seconds: float, fit: int) -> str:
    return (
        f"It loses {loss:.4g} of the metric, but how sure that is cannot be said: a call of the metric takes "
        f"{call_s:.2g} s, so that {fit} resamples fit into {seconds:.0f} s where {LEAST_RESAMPLES} are the least. "
        "Make the metric faster, or give more with --budget."
    )


def check_metric(metric: Metric, original: Answers, labels: Labels | None) -> float:
    """The metric on the original's outputs. Cheap (two calls): worth doing before anything is raced.

    Raises BadInput when it fails, is not a finite number, or changes with the order of the samples.
    """
    scored = Scored.of(metric, original, labels)
    rows = np.arange(scored.n)
    if not scored.n:
        raise BadInput("There are no evaluation requests to judge the metric on.", "Give at least one request.")
    value = scored.call(rows)
    if isinstance(value, str):
        raise BadInput(f"The metric fails on the original's outputs: {value}.", CONVENTION)
    if not math.isfinite(value):
        raise BadInput(f"The metric is {value} on the original's outputs.", CONVENTION)
    again = scored.call(np.random.default_rng(0).permutation(rows))
    if isinstance(again, str) or not abs(again - value) <= ORDER_TOLERANCE * max(1.0, abs(value)):
        raise BadInput(
            f"The metric is {value:.6g} on the evaluation, and {_said(again)} on the same samples in another order.",
            "Find what belongs together by the labels that the metric is given, not by position.",
        )
    return value


@final
@dataclass(frozen=True)
class Scored:
    """A metric with the outputs and labels that it is to judge, to be called on any selection of the `n` samples."""

    metric: Metric
    outputs: PerLabel
    labels: Labels

    @staticmethod
    def of(metric: Metric, answers: Answers, labels: Labels | None) -> Scored:
        """Raises BadInput when the labels fit neither the requests nor the rows of the outputs."""
        if labels is not None and not isinstance(labels, np.ndarray):
            labels = list(labels)
        outputs = per_label(answers, None if labels is None else len(labels))
        return Scored(metric, outputs, list(range(len(outputs))) if labels is None else labels)

    @property
    def n(self) -> int:
        return len(self.outputs)

    def call(self, rows: Rows) -> float | str:
        """The metric of these rows, repeats included; as text what it raised. A user's function may raise anything."""
        chosen = self.labels[rows] if isinstance(self.labels, np.ndarray) else [self.labels[k] for k in rows]
        try:
            return float(self.metric(self.outputs.take(rows), chosen))
        except Exception as error:
            return " ".join(f"{type(error).__name__}: {error}".split())[:LONGEST_MESSAGE]

    def score(self, rows: Rows) -> float:
        """The metric of these rows; NaN where it fails."""
        value = self.call(rows)
        return math.nan if isinstance(value, str) else value


def _score_of_variant(metric: Metric, original: Answers, variant: Answers, labels: Labels | None) -> float | str:
    """The metric on the variant's outputs, or the sentence that says why there is none."""
    if reason := original.difference_of_structure(variant):
        return reason
    scored = Scored.of(metric, variant, labels)
    value = scored.call(np.arange(scored.n))
    if isinstance(value, str):
        return f"The metric fails on the variant's outputs: {value}."
    return value if math.isfinite(value) else f"The metric is {value} on the variant's outputs."


def _units(scored: Scored, groups: PerRow | None) -> Units:
    """The user's groups; else the requests, each with all of its rows."""
    if groups is not None:
        return units_of(scored.n, groups)
    return replace(units_of(scored.n, scored.outputs.request), name="requests")


def _countable(result: LossVerdict, scored: Scored, units: Units, seed: int) -> LossVerdict:
    """The result, but never `kept` with a metric that gives the same with and without repeated samples.

    Then resamples are just smaller samples, and their spread is too small (for a mean by a quarter).
    """
    generator = np.random.default_rng(seed)
    whole = scored.score(np.arange(scored.n))
    for _ in range(REPEAT_DRAWS if result.verdict == "kept" else 0):
        rows = units.draw(generator)
        value, once = scored.score(rows), scored.score(np.unique(rows))
        if not abs(value - once) <= ORDER_TOLERANCE * max(1.0, abs(whole)) or value == whole:
            return result
    if result.verdict != "kept":
        return result
    reason = "the metric gives the same when samples are repeated, so that it cannot be resampled: count repeats"
    return LossVerdict("unproven", f"{result.reason}, but {reason}", result.estimate)


def _said(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:.6g}"
