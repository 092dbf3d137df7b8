"""Processes that act: they answer every job at once, from functions of who they are, and write real answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from unslow.core.calls import Request
from unslow.core.errors import BadInput, CannotRun, WorkerFailed
from unslow.core.facts import Facts, Leaf
from unslow.core.jsonable import from_json, to_json
from unslow.core.machine import Machine
from unslow.core.variant import Applied, Variant
from unslow.core.workload import Inference, Model, Target, Workload
from unslow.measure.bench import Bench
from unslow.processes.base import Conditions, Process, Processes
from unslow.runs.folder import RunFolder
from unslow.survey.requests import write_requests
from unslow.targets import requests_from_npz
from unslow.verify import judge

WIDTH = 6
Answers = list[Any]


@dataclass
class Script:
    """Who answers what. `who` is "original", or the fixes of a variant as text.

    `answers(who, settings, request)` are the leaves, `seconds(who)` what one takes; `jobs` replace the usual ones.
    `started` are the names of the processes' logs, in order.
    """

    answers: Callable[[str, Mapping[str, Any], Mapping[str, Any]], Answers]
    seconds: Callable[[str], float] = lambda who: 0.1
    inference: Inference | None = None
    jobs: Mapping[str, Callable[..., Any]] = field(default_factory=dict[str, Callable[..., Any]])
    requests: Sequence[Mapping[str, Any]] = ()
    diary: list[str] = field(default_factory=list[str])
    timeouts: list[tuple[str, float]] = field(default_factory=list[tuple[str, float]])
    started: list[str] = field(default_factory=list[str])
    now: float = 0.0

    def clock(self) -> float:
        return self.now

    def asked(self, job: str) -> list[str]:
        """Who was asked to do this job, in order."""
        return [line.partition(":")[2] for line in self.diary if line.startswith(f"{job}:")]


class Actor(Process):
    def __init__(self, script: Script) -> None:
        self._script = script
        self._who, self._settings = "", {}
        self._closed = False

    def ask(self, job: str, timeout_s: float, **arguments: Any) -> Any:
        assert not self._closed
        self._script.timeouts.append((job, timeout_s))
        job_of = self._script.jobs.get(job) or getattr(self, f"_{job}")
        try:
            answer = to_json(job_of(**arguments))
        except (BadInput, CannotRun) as error:  # What is raised in a process arrives as its failure.
            raise WorkerFailed(error.what, error.todo, cannot_run=isinstance(error, CannotRun)) from error
        self._script.diary.append(f"{job}:{self._who}")
        return answer

    def _build(self, workload: Any, fixes: Any, **_: Any) -> Any:
        self._who = str(Variant(from_json(tuple[Applied, ...], fixes)))
        before = from_json(Workload, workload)
        model = Model(before.model.runtime, "", {**before.model.settings, "who": self._who})
        return {"workload": Workload(before.target, model), "spent_seconds": 1.0}

    def _open(self, workload: Any, **_: Any) -> Any:
        self._settings = from_json(Workload, workload).model.settings
        self._who = self._settings.get("who", "original")
        return {"setup_s": 1.0, "first_s": 0.1, "granularity": 1}

    def _turn(self, start: int, count: int, untimed: int) -> Any:
        each = self._script.seconds(self._who)
        self._script.now += each * count
        return {
            "seconds": each * count, "cpu_seconds": each * count, "requests": count, "call_seconds": [each] * count
        }  # fmt: skip

    def _answers(self, places: Sequence[int] | None, path: str) -> Any:
        requests = self._script.requests
        self._write([requests[place] for place in (range(len(requests)) if places is None else places)], path)

    def _answers_to(self, requests: str, path: str) -> Any:
        self._write(requests_from_npz(requests), path)

    def _write(self, requests: Sequence[Mapping[str, Any]], path: str) -> None:
        answers = [self._script.answers(self._who, self._settings, request) for request in requests]
        np.savez(path, **{f"{n}/{j}": leaf for n, answer in enumerate(answers) for j, leaf in enumerate(answer)})

    def _prepare(self, target: Any) -> None: ...

    def _check_metric(self, target: Any, original: str) -> Any:
        assert self._script.inference is not None
        return judge.check(self._script.inference, original)

    def _judge(self, target: Any, case: Any) -> Any:
        assert self._script.inference is not None
        return judge.judge(self._script.inference, from_json(judge.Case, case))

    def _bundle(self, folder: str, workload: Any, **_: Any) -> Any:
        self._open(workload)
        Path(folder).mkdir(parents=True)
        (Path(folder) / "manifest.json").write_text("{}")

    def suspend(self) -> None: ...
    def resume(self) -> None: ...

    def close(self) -> None:
        self._closed = True

    @property
    def peak_memory_bytes(self) -> int:
        return 1 << 20


class Actors(Processes):
    def __init__(self, script: Script) -> None:
        self._script = script

    def start(self, conditions: Conditions) -> Process:
        self._script.started.append(conditions.log.stem)
        return Actor(self._script)


def failing(reason: str) -> Callable[..., Any]:
    """A job that raises in its process."""

    def job(**_: Any) -> Any:
        raise WorkerFailed(reason)

    return job


def requests(n: int) -> list[dict[str, Any]]:
    random = np.random.default_rng(0)
    return [{"x": random.normal(size=(1, WIDTH)).astype(np.float32)} for _ in range(n)]


def facts(n: int, **changes: Any) -> Facts:
    known: dict[str, Any] = {
        "framework": "function", "requests": n, "seconds_per_request": 0.1, "build_seconds": 1.0,
        "peak_memory_bytes": 1 << 20, "cpu_seconds_per_request": 0.1, "evaluation_requests": n,
        "inputs": (Leaf("x", "float32", (((1, WIDTH), n),)),),
    }  # fmt: skip
    return Facts(**{**known, **changes})


def bench(script: Script, folder: Path, known: Facts) -> Bench:
    """A bench on which the script's actors are measured; their requests lie where the survey would leave them."""
    target = Target("python-file", "/somewhere/model.py", "model")
    run = RunFolder(folder)
    for inner in (run.survey, run.logs, run.answers, run.bundles):
        inner.mkdir(parents=True, exist_ok=True)
    write_requests(run.survey, list(script.requests[0]), [Request(kwargs=one) for one in script.requests], None, None)
    machine = Machine("a processor", 4, 8, 4, None, 16 << 30, (), (), "Linux", "3.11")
    order = tuple(range(len(script.requests)))
    workload = Workload(target, Model("function"))
    return Bench(Actors(script), workload, known, machine, run, folder, order, order, 0, script.clock)
