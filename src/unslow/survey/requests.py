"""The prepared requests as a file, so that a variant's process need not run the user's code."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from unslow.core.calls import Request, is_array, to_numpy

FILE, INDEX = "requests.npz", "requests.json"


@dataclass(frozen=True, eq=False)
class SavedRequests:
    """Requests by input name; `evaluation` is `inputs` itself where they are the same. `carry` as in `Inference`."""

    inputs: Sequence[Mapping[str, Any]]
    evaluation: Sequence[Mapping[str, Any]]
    carry: Mapping[str, str] | None


def all_arrays(request: Request) -> bool:
    """Whether every argument is one array: what can be saved, and what another runtime can take."""
    return all(is_array(value) for value in (*request.args, *request.kwargs.values()))


def write_requests(
    folder: Path,
    names: Sequence[str],
    inputs: Sequence[Request],
    evaluation: Sequence[Request] | None,
    carry: Mapping[str, str] | None,
) -> None:
    """Save requests (all of whose arguments are arrays); `evaluation` None where it is the same as `inputs`."""
    arrays: dict[str, Any] = {}
    for kind, requests in (("inputs", inputs), ("evaluation", evaluation or ())):
        for number, request in enumerate(requests):
            for name, value in request.named(names).items():
                arrays[f"{kind}/{number}/{name}"] = to_numpy(value)
    np.savez(folder / FILE, **arrays)
    counts = {"inputs": len(inputs), "evaluation": None if evaluation is None else len(evaluation), "carry": carry}
    (folder / INDEX).write_text(json.dumps({"schema": "unslow.requests/1", **counts}))


def read_requests(folder: Path) -> SavedRequests:
    """What `write_requests` saved."""
    index = json.loads((folder / INDEX).read_text())
    table: dict[tuple[str, int], dict[str, Any]] = {}
    with np.load(folder / FILE, allow_pickle=False) as arrays:
        for key in arrays.files:
            kind, number, name = key.split("/", 2)
            table.setdefault((kind, int(number)), {})[name] = arrays[key]
    inputs = [table[("inputs", number)] for number in range(index["inputs"])]
    judged = index["evaluation"]
    evaluation = inputs if judged is None else [table[("evaluation", number)] for number in range(judged)]
    return SavedRequests(inputs, evaluation, index["carry"])
