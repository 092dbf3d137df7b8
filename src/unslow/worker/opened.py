"""Opens a workload, or a bundle, in this process, with the user's requests around it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from unslow import targets
from unslow.core.facts import Facts
from unslow.core.runtime import Call
from unslow.core.workload import Inference, Serving, Workload
from unslow.runtimes import open_model
from unslow.serving.stream import Around, Stream
from unslow.survey.requests import read_requests


@dataclass(frozen=True)
class Parts:
    """A call, how it is served, and the names of its inputs."""

    call: Call
    serving: Serving
    names: Sequence[str]


@dataclass(frozen=True)
class Streams:
    """The timed requests, and those that the guard looks at."""

    inputs: Stream
    evaluation: Stream


def open_original(workload: Workload, inference: Inference) -> Parts:
    """The model as the user has it."""
    call = open_model(workload.model, workload.host, targets.live(workload, inference))
    return Parts(call, workload.serving, list(workload.model.settings.get("inputs", ())))


def open_workload(workload: Workload, facts: Facts, inference: Inference | None) -> Parts:
    """A variant, from what its build left."""
    call = open_model(workload.model, workload.host, targets.live(workload, inference))
    return Parts(call, workload.serving, [leaf.name for leaf in facts.inputs])


def open_bundle(folder: Path) -> Parts:
    """What is reported is the bundle: opened by its own loader. Ours, so it is trusted."""
    from unslow.bundle.load import load

    bundle = load(folder, trust=True)
    leaves: list[dict[str, Any]] = json.loads((folder / "manifest.json").read_text())["inputs"]
    return Parts(bundle.call, bundle.serving, [leaf["name"] for leaf in leaves])


def needs_live(workload: Workload, facts: Facts) -> bool:
    """Whether the user's own code must run in the process: to build the model, or around each request."""
    return not workload.model.path or facts.prepared or facts.finished or not facts.flat_inputs


def streams(
    parts: Parts, facts: Facts, inference: Inference | None, folder: Path, *, is_original: bool = False
) -> Streams:
    """The user's requests around opened parts; from the survey's file where the user's code is not needed."""
    as_tensors = facts.framework in ("torch", "exported") and facts.finished and not is_original
    if inference is not None:
        around = Around(inference.prepare, inference.finish, inference.carry, as_tensors)
        inputs, judged = inference.inputs, inference.requests_judged
    else:
        saved = read_requests(folder)
        around = Around(carry=saved.carry)
        inputs, judged = saved.inputs, saved.evaluation
    first = Stream(parts.call, parts.serving, parts.names, inputs, around)
    if judged is inputs:
        return Streams(first, first)
    return Streams(first, Stream(parts.call, replace(parts.serving), parts.names, judged, around))
