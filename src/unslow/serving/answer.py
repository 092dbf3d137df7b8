"""Answers requests as `Serving` says, and times each call."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, final

from unslow.core.calls import Request
from unslow.core.runtime import Call
from unslow.core.workload import Serving
from unslow.serving.join import Joined, join, kind_of, length_of
from unslow.serving.plan import Group, plan
from unslow.serving.split import Axes, following_axes, split

Clock = Callable[[], float]


@dataclass(frozen=True, eq=False)
class Answered:
    """`answers` in the requests' order; of each call its seconds (joining and splitting included) and its requests.

    A request's latency is the seconds of the call that it was in.
    """

    answers: list[Any]
    call_seconds: tuple[float, ...]
    call_requests: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Turn:
    """One call: the answers of its group, and its seconds."""

    answers: list[Any]
    seconds: float


@final
class Answerer:
    """Serves requests with `call`; `names` are the model's inputs in the order of its parameters.

    Keeps its threads between calls of `answer` (`clients` > 1); `close` ends them. With one request a call, one client
    and no trimming there is nothing between the clock and the model.
    """

    def __init__(self, call: Call, serving: Serving, names: Sequence[str], clock: Clock = time.perf_counter) -> None:
        self.call = call
        self.serving = serving
        self.names = tuple(names)
        self._clock = clock
        self._axes: Axes | None = None
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(serving.clients, "unslow-client") if serving.clients > 1 else None
        self._thin = serving.batch_size <= 1 and not serving.trim_padding

    def answer(self, requests: Sequence[Request]) -> Answered:
        """The answers to all requests.

        Raises
        ------
        BadInput
            The model cannot answer one, or an output cannot be split by requests.
        """
        if self._thin and self._pool is None:
            return self._one_by_one(requests)
        groups = self._groups(requests)
        one = self._alone if self._thin else self._together
        chosen = [[requests[index] for index in group] for group in groups]
        turns = list(map(one, chosen)) if self._pool is None else list(self._pool.map(one, chosen))
        answers: list[Any] = [None] * len(requests)
        for group, turn in zip(groups, turns, strict=True):
            for index, answer in zip(group, turn.answers, strict=True):
                answers[index] = answer
        return Answered(answers, tuple(turn.seconds for turn in turns), tuple(map(len, groups)))

    def close(self) -> None:
        """Ends the clients' threads."""
        if self._pool is not None:
            self._pool.shutdown()

    def _groups(self, requests: Sequence[Request]) -> list[Group]:
        if self._thin:
            return [(index,) for index in range(len(requests))]
        kinds = [kind_of(request, self.names, self.serving) for request in requests]
        lengths = [length_of(request, self.names, self.serving) for request in requests] if self.serving.bucket else []
        return plan(kinds, lengths, self.serving)

    def _one_by_one(self, requests: Sequence[Request]) -> Answered:
        clock, call = self._clock, self.call
        answers: list[Any] = []
        seconds: list[float] = []
        for request in requests:
            started = clock()
            answer = call(request)
            seconds.append(clock() - started)
            answers.append(answer)
        return Answered(answers, tuple(seconds), (1,) * len(answers))

    def _alone(self, requests: Sequence[Request]) -> Turn:
        clock, call, request = self._clock, self.call, requests[0]
        started = clock()
        answer = call(request)
        return Turn([answer], clock() - started)

    def _together(self, requests: Sequence[Request]) -> Turn:
        started = self._clock()
        joined = join(requests, self.names, self.serving)
        answer = self.call(joined.request)
        axes = self._following(answer, joined, requests)
        return Turn(split(answer, joined, axes), self._clock() - started)

    def _following(self, answer: Any, joined: Joined, requests: Sequence[Request]) -> Axes:
        """Which axes of the answers follow the sequence; learned once, by one more call at another length."""
        if joined.span is None or not joined.span.changed:
            return ()
        with self._lock:
            if self._axes is None:
                self._axes = self._learned(answer, joined, requests)
            return self._axes

    def _learned(self, answer: Any, joined: Joined, requests: Sequence[Request]) -> Axes:
        span = joined.span
        assert span is not None
        if span.kept != span.padded:
            other = join(requests, self.names, replace(self.serving, trim_padding=False))
            return following_axes(answer, span.kept, self.call(other.request), span.padded)
        shortest = min(range(len(requests)), key=span.lengths.__getitem__)
        return following_axes(answer, span.kept, self.call(requests[shortest]), span.lengths[shortest])
