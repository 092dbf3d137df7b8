"""What is slow: how to build it afresh in a new process, its requests, how to judge its answers.

`Inference` is what a user writes: live objects. `Workload` is what unslow carries about: plain data that says how to
build the same thing anywhere. A fix is a function from one `Workload` to another.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from unslow.core.errors import BadInput

F = TypeVar("F", bound=Callable[[], Any])
MARK = "__unslow_workload__"


@dataclass(frozen=True, eq=False)
class Inference:
    """A model, the requests that are timed, and how its answers are judged.

    Parameters
    ----------
    model
        A `torch.nn.Module`, any callable, or the path of a model file.
    inputs
        The requests that are timed, in order, with their real mix of shapes: each an array or tensor of any shape and
        dtype, as the model takes it, a tuple of them (positional) or a dict (keyword). With `prepare`, whatever
        `prepare` takes.
    evaluation
        The requests that the guard looks at; default: `inputs`.
    labels
        One per evaluation request.
    metric
        `metric(outputs, labels) -> float`, higher is better. `outputs` has one entry per label, as NumPy. Also called
        on resamples (with repetitions), for its interval.
    tolerance
        How much of the metric, or of the agreement with the original, may be lost (absolute).
    slices
        One name per label: the worst slice is guarded too.
    groups
        One id per label: what is resampled together.
    prepare, finish
        Tokenising, decoding and the like; timed as part of the request.
    carry
        `{"output name": "input name"}`: outputs that are fed back as inputs of the next request.

    Raises
    ------
    BadInput
        There are no inputs, a metric without labels, or not one label, slice or group per evaluation request.
    """

    model: Any
    inputs: Sequence[Any]
    evaluation: Sequence[Any] | None = None
    labels: Sequence[Any] | None = None
    metric: Callable[[Any, Any], float] | None = None
    tolerance: float = 0.01
    slices: Sequence[Any] | None = None
    groups: Sequence[Any] | None = None
    prepare: Callable[[Any], Any] | None = None
    finish: Callable[[Any], Any] | None = None
    carry: Mapping[str, str] | None = None

    def __post_init__(self) -> None:
        if len(self.inputs) == 0:
            raise BadInput(
                "The workload has no inputs: nothing could be timed.", "Give at least one request as `inputs`."
            )
        judged = len(self.requests_judged)
        for name in ("labels", "slices", "groups"):
            given = getattr(self, name)
            if given is not None and len(given) != judged:
                raise BadInput(
                    f"The workload has {len(given)} {name} for {judged} evaluation requests.",
                    f"Give one of `{name}` per evaluation request.",
                )
        if self.metric is not None and self.labels is None:
            raise BadInput("The workload has a metric but no labels.", "Give `labels`, one per evaluation request.")

    @property
    def requests_judged(self) -> Sequence[Any]:
        """The requests that the guard looks at."""
        return self.inputs if self.evaluation is None else self.evaluation


def workload(function: F) -> F:
    """Marks a function that returns an `Inference`, so that `unslow fix file.py` finds it without its name."""
    setattr(function, MARK, True)
    return function


@dataclass(frozen=True)
class Target:
    """What the user named: the adapter that builds it (`kind`), the absolute path, the name inside the file.

    `inputs` is an `.npz` of requests that the user gave for it ("" if none). `trust` lets files be loaded that can run
    code. `fingerprint` is the hash of the target's content. A script has its own `arguments`, and the absolute path of
    the working folder (`directory`) in which it is run.
    """

    kind: str
    location: str
    name: str = ""
    inputs: str = ""
    trust: bool = False
    fingerprint: str = ""
    arguments: tuple[str, ...] = ()
    directory: str = ""

    def __str__(self) -> str:
        return f"{self.location}:{self.name}" if self.name else self.location

    @property
    def words(self) -> str:
        """As it would be typed, with a script's arguments."""
        return shlex.join([str(self), *self.arguments]) if self.arguments else str(self)


@dataclass(frozen=True)
class Model:
    """How the model is opened: by which runtime (a file in `runtimes/`), from which artefact, with which settings.

    `path` is "" where the target itself builds the model. `settings` are the runtime's own, plain JSON.
    """

    runtime: str
    path: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True)
class Serving:
    """How requests meet the model: `batch_size` of them in one call, `clients` calls at a time.

    `bucket`: requests of like length share a batch. `trim_padding`: columns that the mask `padding_mask` switches off
    in every row of a call are cut off before it. `pad`: requests of different lengths may share a batch, padded with 0.
    """

    batch_size: int = 1
    clients: int = 1
    bucket: bool = False
    trim_padding: bool = False
    pad: bool = False
    padding_mask: str = ""


@dataclass(frozen=True)
class Host:
    """What holds for the whole process: `threads` (0: the library's default), and whether subnormal floats become zero.

    `environment` is set before anything is imported.
    """

    threads: int = 0
    flush_subnormals: bool = False
    environment: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True)
class Workload:
    """Plain data that says how to build what is slow, or a variant of it, in a new process."""

    target: Target
    model: Model
    serving: Serving = Serving()
    host: Host = Host()
    keep_loaded: bool = False
