"""Drift of a variant's explanations, from answers that processes wrote: which requests, what is asked, what it says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from unslow.core.errors import BadInput
from unslow.core.facts import Facts
from unslow.core.jsonable import to_json
from unslow.verify.agreement import looks_like_scores
from unslow.verify.explanations import SAMPLES_FOR_INTERVAL, Floats, Perturbations, attributions_from, drift
from unslow.verify.explanations import plan_perturbations as plan
from unslow.verify.outputs import Answers, Array, is_float

MOST_REQUESTS, GROUPS = SAMPLES_FOR_INTERVAL + 2, 12
LEAST_REQUESTS = 3
MOST_SECONDS, MOST_BYTES = 10.0, 200e6


@dataclass(frozen=True, eq=False)
class Explained:
    """The perturbations of some requests, and the names of the model's inputs in the order of their leaves."""

    plans: tuple[Perturbations, ...]
    names: tuple[str, ...]

    def write(self, path: Path) -> None:
        """An `.npz` of `number/input`: each request, then its perturbed copies, without a gap between the numbers."""
        arrays: dict[str, Any] = {}
        every = [leaves for one in self.plans for leaves in (one.request, *one.perturbed)]
        for number, leaves in enumerate(every):
            arrays |= {f"{number}/{name}": leaf for name, leaf in zip(self.names, leaves, strict=True)}
        np.savez(path, **arrays)


def explained(facts: Facts, evaluation: Sequence[Mapping[str, Any]], seed: int) -> Explained | None:
    """What is asked of both sides; None where it would cost too much, or cannot be asked.

    Requests are spread over the evaluation. Those that are not flat arrays, and streams in which a request hangs on the
    one before, are left out.
    """
    if not facts.flat_inputs or facts.carried or not evaluation:
        return None
    size = sum(np.asarray(array).nbytes for array in evaluation[0].values())
    each = (GROUPS + 1) * max(facts.seconds_per_request / MOST_SECONDS, size / MOST_BYTES, 1e-9)
    count = min(MOST_REQUESTS, int(1 / each), len(evaluation))
    if count < LEAST_REQUESTS:
        return None
    chosen = [evaluation[round(place * (len(evaluation) - 1) / (count - 1))] for place in range(count)]
    names = tuple(chosen[0])
    try:
        plans = tuple(plan([request[name] for name in names], GROUPS, seed + n) for n, request in enumerate(chosen))
    except (BadInput, KeyError):  # nothing to occlude, or an input that only some requests have
        return None
    return Explained(plans, names)


def measured(asked: Explained, original: Answers, variant: Answers) -> dict[str, Any]:
    """The drift as plain JSON, {} where the answers have no ranks to compare.

    Of the first leaf of floats: the class that the original chooses where it holds scores, else how far it moves.
    """
    if original.difference_of_structure(variant):
        return {}
    leaf = next((j for j, array in enumerate(original.leaves[0]) if is_float(array)), None)
    if leaf is None:
        return {}
    scores = original.leaves[0][leaf].size == 1 or looks_like_scores(original, leaf)
    pairs: list[tuple[Floats, Floats]] = []
    place = 0
    for one in asked.plans:
        mine, theirs = (side.leaves[place : place + 1 + one.n_groups] for side in (original, variant))
        place += 1 + one.n_groups
        target = _chosen(mine[0][leaf])
        pairs.append(
            (
                attributions_from(one, mine[0][leaf], [a[leaf] for a in mine[1:]], target=target, scores=scores),
                attributions_from(one, theirs[0][leaf], [a[leaf] for a in theirs[1:]], target=target, scores=scores),
            )
        )
    estimate = drift([a for a, _ in pairs], [b for _, b in pairs])
    if estimate is None:
        return {}
    groups = max(one.n_groups for one in asked.plans)
    return {"estimate": to_json(estimate), "requests": len(asked.plans), "groups": groups, "of": _of(scores)}


def _of(scores: bool) -> str:
    return "the class that the original chooses" if scores else "how far the answer moves"


def _chosen(answer: Array) -> int:
    """The class with the largest mean score, 0 for one number."""
    return int(np.argmax(answer.reshape(-1, answer.shape[-1]).mean(axis=0))) if answer.ndim else 0
