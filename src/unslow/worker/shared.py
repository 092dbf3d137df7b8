"""Both sides of a comparison answer one stream of requests: what a target says of its own, and whether another can
answer it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from unslow import targets
from unslow.core.calls import as_request
from unslow.core.errors import BadInput
from unslow.core.workload import Inference, Target
from unslow.serving.stream import Around, Stream
from unslow.targets import makes_inputs
from unslow.targets._travel import digest_of, named_arrays, write_arrays
from unslow.worker.opened import Parts

How = Literal["own", "given", "borrowed", "unchecked"]


@dataclass(frozen=True)
class SharedRequests:
    """The requests of `owner`, which both sides answer.

    `digest` is "" where they are objects that cannot be told apart. `file` is the `.npz` that another model can take as
    it stands; "" where the owner's own code stands around the model, or its requests are no arrays.
    """

    owner: Target
    count: int
    digest: str = ""
    file: str = ""


@dataclass(frozen=True, eq=False)
class Taken:
    """A workload with the requests that it answers here. `how` they came: its own (the same ones, or `unchecked`, where
    nobody can tell), `given` to it as arrays, or `borrowed` with the code around them. `as_tensors`: that code was
    written for tensors."""

    inference: Inference
    how: How = "own"
    as_tensors: bool = False


def told(target: Target, inference: Inference, path: str) -> SharedRequests:
    """What a target's own requests are; where they can travel, they are saved at `path` (unless that is "")."""
    stream = SharedRequests(target, len(inference.inputs), digest_of(inference.inputs))
    if not path or not _stands_alone(inference):
        return stream
    try:
        write_arrays(named_arrays(inference.inputs), Path(path))
    except BadInput:
        return stream
    return replace(stream, file=path)


def taking(target: Target, inference: Inference, stream: SharedRequests) -> Taken:
    """The workload with the stream's requests.

    Raises
    ------
    BadInput
        It has requests of its own that are others, and cannot answer these.
    """
    mine = digest_of(inference.inputs)
    if mine == stream.digest and (mine or target == stream.owner):
        return Taken(inference)
    if stream.file and _stands_alone(inference):
        return Taken(_with(inference, inputs=targets.requests_from_npz(stream.file)), "given")
    if makes_inputs(target):
        return _borrowed(inference, stream.owner)
    if not (mine and stream.digest) and len(inference.inputs) == stream.count:
        return Taken(inference, "unchecked")
    raise BadInput(
        f"{target} does not answer the requests of {stream.owner}: it has {len(inference.inputs)} of its own, "
        f"that one {stream.count}, and they differ.",
        "Build both workloads on the same inputs, from a fixed seed.",
    )


def stream_of(taken: Taken, asked: SharedRequests, parts: Parts, target: Target, names: Sequence[str]) -> Stream:
    """The requests around an opened model.

    Raises
    ------
    BadInput
        The requests name inputs that the model does not have.
    """
    inference = taken.inference
    if taken.how == "given":
        request = as_request(inference.inputs[0])
        strange = [name for name in request.kwargs if name not in names]
        if strange or len(request.args) > len(names):
            raise BadInput(
                f"{target} cannot answer the requests of {asked.owner}: its inputs are {', '.join(names)}, "
                f"theirs {', '.join(request.kwargs) or f'{len(request.args)} by position'}.",
                "Name the inputs alike, or compare models that take the same ones.",
            )
    around = Around(inference.prepare, inference.finish, inference.carry, taken.as_tensors)
    return Stream(parts.call, parts.serving, names, inference.inputs, around)


def _borrowed(inference: Inference, owner: Target) -> Taken:
    """A model file or bundle with the owner's requests and all that stands around its model."""
    other = targets.load(owner)
    torch: Any = sys.modules.get("torch")
    as_tensors = other.finish is not None and torch is not None and isinstance(other.model, torch.nn.Module)
    return Taken(_with(other, model=inference.model), "borrowed", as_tensors)


def _with(inference: Inference, **changes: Any) -> Inference:
    """Without labels and the like, which belong to the requests that it had."""
    without = dict.fromkeys(("evaluation", "labels", "metric", "slices", "groups"))
    return replace(inference, **{**without, **changes})


def _stands_alone(inference: Inference) -> bool:
    """Whether nothing of the user's code stands around the model."""
    return not (inference.prepare or inference.finish or inference.carry)
