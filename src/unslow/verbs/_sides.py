"""The two sides of a comparison: opened in fresh processes, on one stream of requests, with answers to be compared."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import final

from unslow.core.errors import WorkerFailed
from unslow.core.events import Event, Listener
from unslow.core.jsonable import from_json, to_json
from unslow.core.options import Options
from unslow.core.trial import Guarded
from unslow.core.workload import Inference, Target
from unslow.measure.bench import OPEN_TIMEOUT_S, WARM_UP_S, Opened, environment_of, memory_limit
from unslow.measure.duel import MOST_RACE_PAIRS
from unslow.measure.turns import timeout_of, warm_up
from unslow.processes.base import Conditions, Process, Processes
from unslow.targets import host_of, makes_inputs
from unslow.verify.judge import compared, read_answers
from unslow.worker.shared import SharedRequests

ANSWERED_SECONDS = 5.0
LEAST_ANSWERED, MOST_ANSWERED = 4, 64
"""Requests whose answers are compared: as many as a takes this long for."""
TOLERANCE = Inference.tolerance


@final
class Sides:
    """Opens a and b as often as they are asked for, each time in a fresh process; both answer the same requests.

    Those are a's own, unless a's would be made from declared shapes and b has real ones, or b was told its shapes.
    `same_given`: the caller gave one list of requests for both.
    """

    turn_pairs = MOST_RACE_PAIRS

    def __init__(
        self,
        both: Sequence[Target],
        scratch: Path,
        options: Options,
        processes: Processes,
        listener: Listener,
        same_given: bool = False,
    ) -> None:
        self._both, self._scratch, self._same_given = both, scratch, same_given
        self._options, self._processes, self._listener = options, processes, listener
        self._stream: SharedRequests | None = None
        self._how: dict[int, str] = {}
        self._answered = 0
        self._unanswered = ""

    @property
    def names(self) -> list[str]:
        """As they are reported."""
        return [str(target) for target in self._both]

    def open(self, index: int) -> Opened:
        """One side (0: a, 1: b) in a fresh process, warmed up.

        Raises
        ------
        BadInput, CannotRun
            It cannot be opened, or cannot answer the requests.
        """
        if self._stream is None and self._owner != index:
            self._ask_the_owner()
        target = self._both[index]
        self._listener(Event("build", f"opening {target}"))
        started, patience_s = time.monotonic(), self._options.patience_s
        process = self._start(target)
        try:
            stream = to_json(self._stream) if self._stream else None
            opened = process.ask(
                "open_target",
                patience_s or OPEN_TIMEOUT_S,
                target=to_json(target),
                path=self._file("requests"),
                stream=stream,
            )
            side = warm_up(process, opened["granularity"], opened["first_s"], WARM_UP_S, time.monotonic, patience_s)
            found = Opened(process, side, time.monotonic() - started, opened)
            self._stream, owner = from_json(SharedRequests, opened["stream"]), self._both[self._owner]
            if index not in self._how:
                self._how[index] = (
                    "random" if self._both[index] == owner and opened["how"] == "given" else opened["how"]
                )
                self._keep_answers(index, found)
        except WorkerFailed as error:
            process.close()
            raise error.of_the_target(f"Try it alone: unslow profile {target}") from error
        except BaseException:
            process.close()
            raise
        return found

    def outputs(self) -> Guarded | None:
        """Whether b answered as a did; None where that cannot be said (`notes` then says why)."""
        if self._unanswered:
            return None
        a, again, b = (read_answers(self._file(name)) for name in ("a0", "a1", "b0"))
        if compared(a, again, TOLERANCE).verdict != "kept":
            self._unanswered = "a answers the same requests differently each time"
            return None
        tolerance = TOLERANCE if self._options.tolerance is None else self._options.tolerance
        return compared(a, b, tolerance, self._options.alpha, self._options.seed)

    def notes(self) -> tuple[str, ...]:
        """What the reader must know of the requests."""
        owner = self._both[self._owner]
        notes: list[str] = []
        if makes_inputs(owner):
            notes.append(
                f"The inputs were made from the declared shapes of {owner}, the same for both: real ones may take "
                "another time, and say more about the outputs. Give --inputs FILE.npz."
            )
        words = {
            "given": f"answered the requests of {owner}.",
            "borrowed": f"answered the requests of {owner}, with the code around its model.",
        }
        words["random"] = "makes other requests each time it is built: those of the first time were kept for all."
        if not self._same_given:
            words["unchecked"] = f"has as many requests as {owner}: whether they are the same cannot be told."
        notes += [f"{self._both[side]} {words[how]}" for side, how in sorted(self._how.items()) if how in words]
        if self._unanswered:
            notes.append(f"The outputs were not compared: {self._unanswered}.")
        return tuple(notes)

    @property
    def _owner(self) -> int:
        """Whose requests both answer: real ones before made ones, made of the user's shapes before made of declared."""
        ranks = [(makes_inputs(target), not (target.kind == "onnx-file" and target.name)) for target in self._both]
        return 1 if ranks[1] < ranks[0] and ranks[0][0] else 0

    def _ask_the_owner(self) -> None:
        """The owner is opened second: its requests are needed before."""
        target = self._both[self._owner]
        with self._start(target) as process:
            try:
                timeout_s = self._options.patience_s or OPEN_TIMEOUT_S
                told = process.ask("requests_of", timeout_s, target=to_json(target), path=self._file("requests"))
            except WorkerFailed as error:
                raise error.of_the_target(f"Try it alone: unslow profile {target}") from error
        self._stream = from_json(SharedRequests, told)

    def _keep_answers(self, index: int, opened: Opened) -> None:
        """The answers to the first requests, a's twice; a side whose answers are no arrays costs the outputs alone."""
        each_s = opened.side.seconds
        if index == 0:
            fit = int(ANSWERED_SECONDS / max(each_s, 1e-9))
            self._answered = min(opened.details["requests"], MOST_ANSWERED, max(LEAST_ANSWERED, fit))
        opened.process.resume()
        try:
            for time_of in range(2 - index):
                path, places = self._file(f"{'ab'[index]}{time_of}"), list(range(self._answered))
                timeout_s = self._options.patience_s or timeout_of(each_s * self._answered)
                opened.process.ask("answers", timeout_s, places=places, path=path)
                read_answers(path)
        except (WorkerFailed, ValueError) as error:
            self._unanswered = f"{self._both[index]} gives answers that are no arrays ({error})"
        finally:
            opened.process.suspend()

    def _start(self, target: Target) -> Process:
        environment = environment_of(host_of(target), self._scratch / "inductor", target.kind)
        log = self._scratch / "log"
        return self._processes.start(Conditions(log, environment, memory_limit(self._options.memory_bytes)))

    def _file(self, name: str) -> str:
        return str(self._scratch / f"{name}.npz")
