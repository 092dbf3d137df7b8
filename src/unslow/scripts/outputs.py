"""What a script's models and sessions answer, step by step: what is compared where there are no losses."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, final

import numpy as np

from unslow.core.calls import dtype_name, is_array, leaves_of, to_numpy
from unslow.scripts.events import around_outermost
from unslow.scripts.imports import when_imported

SAMPLED = 64
MOST_LEAVES = 32
"""Numbers that are kept of each array of an answer, and arrays of a step whose numbers are."""


@dataclass(frozen=True)
class StepOutputs:
    """What was answered in a step: a digest of all of it, and some numbers of each array, evenly spread."""

    digest: str
    leaves: int
    samples: tuple[tuple[float, ...], ...] = ()


@dataclass
class _Open:
    """The step that goes on."""

    hash: Any = field(default_factory=lambda: hashlib.blake2b(digest_size=16))
    leaves: int = 0
    samples: list[tuple[float, ...]] = field(default_factory=list[tuple[float, ...]])


@final
class Outputs:
    """Keeps what is answered by modules that no other module calls, and by ONNX Runtime's sessions."""

    def __init__(self) -> None:
        self._steps: list[StepOutputs] = []
        self._open = _Open()

    def watch(self) -> None:
        """From now on, in this process."""
        when_imported("torch.nn.modules.module", lambda module: around_outermost(module, self._called))
        when_imported("onnxruntime.capi.onnxruntime_inference_collection", self._sessions)

    def stepped(self) -> None:
        """A step is over."""
        done = self._open
        self._steps.append(StepOutputs(done.hash.hexdigest(), done.leaves, tuple(done.samples)))
        self._open = _Open()

    def values(self) -> list[StepOutputs]:
        """One for each step; none where nothing was ever answered."""
        return self._steps if any(step.leaves for step in self._steps) else []

    def _called(self, call: Callable[[], Any], *_: Any) -> Any:
        answer = call()
        self._keep(answer)
        return answer

    def _sessions(self, module: Any) -> None:
        run = module.Session.run

        @functools.wraps(run)
        def kept(session: Any, *args: Any, **kwargs: Any) -> Any:
            answer = run(session, *args, **kwargs)
            self._keep(answer)
            return answer

        module.Session.run = kept

    def _keep(self, answer: Any) -> None:
        """At once: what is answered may be changed in place afterwards."""
        for leaf in leaves_of(answer):
            self._open.leaves += 1
            if not is_array(leaf):
                self._open.hash.update(repr(leaf).encode() if isinstance(leaf, (str, bool, int, float)) else b"object")
                continue
            array = np.ascontiguousarray(to_numpy(leaf))
            self._open.hash.update(f"{dtype_name(leaf)}{array.shape}".encode() + array.tobytes())
            if len(self._open.samples) < MOST_LEAVES and array.dtype.kind in "fiub":
                self._open.samples.append(_sample(array))


def _sample(array: Any) -> tuple[float, ...]:
    flat = array.reshape(-1)
    places = np.linspace(0, max(0, flat.size - 1), min(SAMPLED, flat.size)).astype(int)
    return tuple(float(value) for value in flat[places])
