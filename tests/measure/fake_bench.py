"""A bench without processes: what a real one would take is added to a clock that nobody waits for.

::

    yard = Yard({"original": Script(0.010), "VARIANT": Script(0.005)})
    heat(yard.bench(tmp_path), ...)

A script is found by the name of the process's log: "original", or a variant's id. Whoever is asked while another
process is awake, or while it sleeps itself, fails the test: that is how building and measuring never overlap.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from handmade import facts, machine
from unslow.core.errors import WorkerFailed
from unslow.core.jsonable import from_json, to_json
from unslow.core.workload import Model, Target, Workload
from unslow.measure.bench import Bench, Opened
from unslow.measure.energy import NO_METER
from unslow.measure.turns import Side
from unslow.processes.base import Conditions, Process, Processes
from unslow.runs.folder import RunFolder

ORIGINAL = Workload(Target("python-file", "/nowhere/file.py", "work"), Model("torch-module"))
JITTER = 0.003
BUILD_S, OPEN_S = 2.0, 1.0
Raises = Callable[[str], BaseException]


def dies(job: str) -> BaseException:
    return WorkerFailed(f"It crashed with SIGSEGV during {job}.")


def hangs(job: str) -> BaseException:
    return WorkerFailed(f"It hung: {job} took more than 20 s and was ended.")


def interrupted(job: str) -> BaseException:
    return KeyboardInterrupt()


@dataclass
class Script:
    """`seconds` per request (or a function of the number of the process's turn). `fails` says at which jobs what is
    raised, `fails_at_turn` from which turn on, of which process of that name (0: of every one), or of all from
    `fails_from_process` on. `effect` is by how much
    each process of that name is shifted for its life, in turn."""

    seconds: Any = 0.01
    granularity: int = 1
    fails: dict[str, Raises] = field(default_factory=dict[str, Raises])
    fails_at_turn: int = 1_000_000
    failing_process: int = 0
    fails_from_process: int = 0
    failure: Raises = dies
    unchanged: bool = False
    effect: tuple[float, ...] = (0.0,)
    jitter: float = JITTER


class FakeWorker(Process):
    """Awake from its start, as a spawned process is."""

    def __init__(self, yard: Yard, name: str, script: Script, number: int) -> None:
        self.yard, self.name, self.script, self.number = yard, name, script, number
        self.asleep = self.closed = self.dead = False
        self.asked_nothing = True
        self.turns = 0
        self.random = random.Random(f"{name} {number}")

    def ask(self, job: str, timeout_s: float, **arguments: Any) -> Any:
        assert not self.closed, "asked after it was closed"
        assert not self.asleep, "asked while it was suspended"
        others = [one for one in self.yard.workers if one is not self and not one.asleep and not one.closed]
        # Those that were started together import together; but nobody is timed or builds meanwhile.
        assert not others or (job == "open" and all(one.asked_nothing for one in others)), (
            f"{job} while another process is awake"
        )
        self.asked_nothing = False
        self.yard.asked.append((self.name, job))
        self.yard.arguments.append((self.name, job, arguments))
        self.yard.timeouts.append((job, timeout_s))
        if self.dead:
            raise WorkerFailed(f"It ended with exit code 1 during {job}.")
        if job in self.script.fails:
            self.dead = True
            raise self.script.fails[job](job)
        answer = getattr(self, f"do_{job}")(**arguments)
        self.yard.after_each_job(job)
        return answer

    def do_build(self, workload: Any, fixes: Any, **_: Any) -> Any:
        self.yard.now += BUILD_S
        changed = from_json(Workload, workload)
        if not self.script.unchanged:
            changed = replace(changed, model=replace(changed.model, settings={"fixed": str(fixes)}))
        return {"workload": to_json(changed), "spent_seconds": BUILD_S}

    def do_open(self, **_: Any) -> Any:
        self.yard.now += OPEN_S
        return {"granularity": self.script.granularity, "first_s": 0.01, "setup_s": OPEN_S}

    def do_turn(self, start: int, count: int, untimed: int) -> Any:
        self.turns += 1
        at = self.script.failing_process in (0, self.number) and self.number >= self.script.fails_from_process
        if at and self.turns >= self.script.fails_at_turn:
            self.dead = True
            raise self.script.failure("turn")
        base = self.script.seconds(self.turns) if callable(self.script.seconds) else self.script.seconds
        effect = self.script.effect[(self.number - 1) % len(self.script.effect)]
        each = base * (1 + effect) * (1 + self.script.jitter * self.random.uniform(-1, 1))
        self.yard.now += each * (count + untimed)
        return {"seconds": each * count, "cpu_seconds": each * count, "requests": count, "call_seconds": [each] * count}

    def do_load(self, count: int, rate: float, seed: int) -> Any:
        effect = self.script.effect[(self.number - 1) % len(self.script.effect)]
        return [self.script.seconds * (1 + effect)] * count

    def suspend(self) -> None:
        self.asleep = True

    def resume(self) -> None:
        self.asleep = False

    def close(self) -> None:
        self.closed = True

    @property
    def peak_memory_bytes(self) -> int:
        return 1000 + self.number


class Yard(Processes):
    """Starts fake workers; remembers them, what they were asked, and the time that it would all have taken."""

    def __init__(self, scripts: dict[str, Script]) -> None:
        self.scripts = scripts
        self.workers: list[FakeWorker] = []
        self.asked: list[tuple[str, str]] = []
        self.arguments: list[tuple[str, str, dict[str, Any]]] = []
        self.timeouts: list[tuple[str, float]] = []
        self.now = 0.0
        self.conditions: list[Conditions] = []
        self.after_each_job: Callable[[str], None] = lambda job: None

    def start(self, conditions: Conditions) -> Process:
        self.conditions.append(conditions)
        name = conditions.log.stem
        number = sum(worker.name == name for worker in self.workers) + 1
        worker = FakeWorker(self, name, self.scripts.get(name, Script()), number)
        self.workers.append(worker)
        return worker

    def bench(self, folder: Path, **changes: Any) -> Bench:
        plain = Bench(
            self, ORIGINAL, facts(seconds_per_request=0.01), machine(), RunFolder(folder), folder / "cache",
            (0, 1, 2, 3), (4, 5, 6, 7), 0, lambda: self.now, meter=NO_METER,
        )  # fmt: skip
        return replace(plain, **changes)

    def open_now(self, name: str) -> Opened:
        """A process that is opened and sleeps, as a duel's opener gives it."""
        worker = self.start(Conditions(Path(f"{name}.log")))
        try:
            worker.ask("open", 1.0)
        except BaseException:
            worker.close()
            raise
        worker.suspend()
        script = self.scripts.get(name, Script())
        return Opened(worker, Side(worker, 0.01, script.granularity), OPEN_S)

    @property
    def open_workers(self) -> list[str]:
        return [worker.name for worker in self.workers if not worker.closed]

    def count(self, job: str, name: str) -> int:
        return self.asked.count((name, job))
