"""The user's stream of requests, answered by an opened model: what a turn times."""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, final

import numpy as np

from unslow.core.calls import Request, as_request, leaf_names, leaves_of, rebuild, structure_of
from unslow.core.errors import BadInput
from unslow.core.runtime import Call
from unslow.core.workload import Serving
from unslow.serving.answer import Answerer
from unslow.serving.device import arrived


@dataclass(frozen=True)
class Turn:
    """What was timed: the wall and CPU seconds of `requests` requests, and the seconds of each call."""

    seconds: float
    cpu_seconds: float
    requests: int
    call_seconds: tuple[float, ...]


@dataclass(frozen=True)
class Around:
    """What stands around the model in a request: the user's `prepare` and `finish`, and what is carried over."""

    prepare: Callable[[Any], Any] | None = None
    finish: Callable[[Any], Any] | None = None
    carry: Mapping[str, str] | None = None
    as_tensors: bool = False


@final
class Stream:
    """Answers requests by their place in the stream, which starts again at its end."""

    def __init__(
        self, call: Call, serving: Serving, names: Sequence[str], requests: Sequence[Any], around: Around
    ) -> None:
        self._names = tuple(names)
        self._around = around
        self._raw = requests
        self._normal = None if around.prepare else [as_request(raw) for raw in requests]
        self._plain = serving.batch_size == 1 and serving.clients == 1 and not (serving.trim_padding or serving.bucket)
        self._call = call
        self._answerer = Answerer(_waiting(call), serving, names)
        self._batch = serving.batch_size * serving.clients
        self._carried: dict[str, Any] = {}
        self._next = -1

    def __len__(self) -> int:
        return len(self._raw)

    @property
    def model_call(self) -> Call:
        """The model alone, without what stands around it."""
        return self._call

    @property
    def granularity(self) -> int:
        """How many requests meet the model together: turns are multiples of it."""
        return self._batch

    def answer(self, place: int) -> Any:
        """One request, from the user's value to the user's answer, which is there (not still being worked out)."""
        return self._finished(self._model_answer(place))

    def answers(self, places: Sequence[int]) -> Iterator[Any]:
        """Requests in this order, served as in a turn."""
        if self._plain or self._around.carry:
            yield from map(self.answer, places)
            return
        window = max(self._batch, 1) * 4
        for start in range(0, len(places), window):
            requests = [self._request(place) for place in places[start : start + window]]
            yield from map(self._finished, self._answerer.answer(requests).answers)

    def turn(self, places: Sequence[int]) -> Turn:
        """Answer these requests against the clock."""
        cpu, started = time.process_time(), time.perf_counter()
        calls = self._timed_one_by_one(places) if self._plain or self._around.carry else self._timed_together(places)
        return Turn(time.perf_counter() - started, time.process_time() - cpu, len(places), calls)

    def _timed_one_by_one(self, places: Sequence[int]) -> tuple[float, ...]:
        clock = time.perf_counter
        marks = [clock()]
        for place in places:
            self.answer(place)
            marks.append(clock())
        return tuple(after - before for before, after in pairwise(marks))

    def _timed_together(self, places: Sequence[int]) -> tuple[float, ...]:
        """Of each call its seconds, with its part of what `prepare` and `finish` took around all of them."""
        clock = time.perf_counter
        started = clock()
        requests = [self._request(place) for place in places]
        prepared = clock()
        answered = self._answerer.answer(requests)
        served = clock()
        for answer in answered.answers:
            self._finished(answer)
        around = (prepared - started + clock() - served) / len(answered.call_seconds)
        return tuple(seconds + around for seconds in answered.call_seconds)

    def _request(self, place: int) -> Request:
        place %= len(self._raw)
        if self._normal is not None:
            return self._normal[place]
        return (
            as_request(self._around.prepare(self._raw[place])) if self._around.prepare else as_request(self._raw[place])
        )

    def _model_answer(self, place: int) -> Any:
        request = self._request(place)
        if not self._around.carry:
            return self._call(request)
        if place % len(self._raw) == self._next:  # The first request of the stream always begins afresh.
            request = Request(kwargs={**request.named(self._names), **self._carried})
        answer = self._call(request)
        named = dict(zip(leaf_names(structure_of(answer)), leaves_of(answer), strict=True))
        missing = [given for given in self._around.carry if given not in named]
        if missing:
            raise BadInput(
                f"The workload carries the output {missing[0]!r}, which the model does not give.",
                f"The model's outputs are: {', '.join(named)}.",
            )
        self._carried = {taken: named[given] for given, taken in self._around.carry.items()}
        self._next = place % len(self._raw) + 1
        return answer

    def _finished(self, answer: Any) -> Any:
        if self._around.finish is None:
            return arrived(answer)
        return arrived(self._around.finish(_as_tensors(answer) if self._around.as_tensors else answer))


def _waiting(call: Call) -> Call:
    """The call, and the device's work with it: what is timed by the call must wait for each."""

    def waiting(request: Request) -> Any:
        return arrived(call(request))

    return waiting


def _as_tensors(answer: Any) -> Any:
    """The user's `finish` was written for tensors; a runtime that answers in NumPy must not change that."""
    module: Any = importlib.import_module("torch")
    leaves = [module.from_numpy(leaf) if isinstance(leaf, np.ndarray) else leaf for leaf in leaves_of(answer)]
    return rebuild(structure_of(answer), leaves)
