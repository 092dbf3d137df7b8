"""The survey of a script: run it once, find its steps, record where their time goes, try its loaders' items."""

from __future__ import annotations

import json
import math
import shutil
import statistics
import time
from collections import Counter
from collections.abc import Generator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, final

import psutil

from unslow.core.errors import BadInput
from unslow.core.events import Tell
from unslow.core.facts import Facts, ThreadPool
from unslow.core.script import STEP_WORDS, LoaderFacts, ScriptFacts, StepKind, Written
from unslow.core.units import seconds as seconds_text
from unslow.core.workload import Model, Target, Workload
from unslow.scripts.events import KINDS, settle_on
from unslow.scripts.loaders import Loaders
from unslow.scripts.losses import Losses
from unslow.scripts.made import LOG
from unslow.scripts.mirror import mirrored
from unslow.scripts.notes import Notes, watch_all
from unslow.scripts.phases import Phase, Phases
from unslow.scripts.run import Plan, own_modules, run
from unslow.survey import observe
from unslow.survey.neighbours import Neighbours
from unslow.survey.recorded import Recorded
from unslow.survey.rhythm import rhythm
from unslow.survey.script_windows import LEAST_SAMPLED, operator_window, sampled_window
from unslow.survey.torch_facts import dispatch_seconds
from unslow.targets import content_hash

SCHEMA = "unslow.script/1"
RECORDING = "script.json"
SURE = 4
"""Steps of one kind before it is taken for the script's, until a surer one is seen."""
RECORDED_S = 8.0
LEAST_RECORDED, MOST_RECORDED = 6, 600
"""Steps that are timed, some of them with their phases."""
NOTED_S, LEAST_NOTED = 1.5, 8
"""Seconds and steps in which calls are noted, besides those in which the steps are found."""
LONG_STEP_S, LEAST_NOTED_LONG = 10.0, 2
"""Steps that take longer than this are noted in fewer: the survey's patience ends before eight of them do."""
TOLD_EVERY_S, LEAST_TOLD_S = 5.0, 1.0
"""How often is told how far it is, where a step takes so many seconds."""
LONG_WAIT, EPOCH_S, CLEARLY = 1 / 3, 30.0, 2.0
"""Where data takes such a part of a step, a first epoch that ends within so many seconds is waited for; if later steps
are so many times as fast, they are what is looked at."""
LEAST_STEPPING_S = 4.0
"""A script that takes steps for less than this has too few of them for turns: it runs as a whole each time."""


def survey_script(target: Target, folder: Path, after: int, tell: Tell) -> tuple[Workload, Facts, str]:
    """Everything, in this process: the original as plain data, what is known of it, and the file of the recording.

    `after` steps go by before anything is recorded. `tell` is told how far it is, where steps take long.

    Raises
    ------
    BadInput
        The script raises, has no steps, or ends before there are enough of them.
    """
    shutil.rmtree(folder / "mirror", ignore_errors=True)  # Of a survey that was killed.
    mirror = mirrored(Path(target.directory), Path(target.location), folder / "mirror", made=folder / LOG)
    watcher = _Watcher(after, tell)
    started = time.perf_counter()
    plan = watcher.started_plan(folder)
    ended = run(mirror, target.arguments, plan)
    seconds = time.perf_counter() - started
    plan.close()
    if watcher.recorded.taken < LEAST_RECORDED:
        raise _no_steps(target, watcher.counts, seconds)
    recording = folder / RECORDING
    recording.write_text(json.dumps(watcher.recording()), encoding="utf-8")
    facts = watcher.facts(target, seconds if ended else 0.0)
    sources = {str(path): content_hash(path) for path in own_modules(mirror)}
    facts = replace(facts, script=facts.script and replace(facts.script, sources=sources))
    return Workload(target, Model("script")), facts, str(recording)


def _no_steps(target: Target, counts: Counter[StepKind], seconds: float) -> BadInput:
    name = Path(target.location).name
    seen = [f"{n} × {STEP_WORDS[kind]}" for kind, n in counts.items()]
    if seen:
        return BadInput(
            f"{name} ended after {seconds:.0f} s with too few steps ({', '.join(seen)}) to say where their time goes.",
            f"Let it take at least {SURE + LEAST_RECORDED} steps: more epochs, or a larger part of the data.",
        )
    return BadInput(
        f"{name} ran for {seconds:.0f} s and took no step: no optimizer step, batch, or call of a model was seen.",
        "Put `with unslow.step():` around the body of its loop.",
    )


@final
class _Watcher:
    """What is noted while the script runs."""

    def __init__(self, after: int, tell: Tell) -> None:
        self._after = after
        self._tell, self._told_s = tell, time.perf_counter()
        self.counts: Counter[StepKind] = Counter()
        self._unnoted: Counter[StepKind] = Counter()
        self._ended: dict[StepKind, float] = {}
        self._noted_s: Counter[str] = Counter()
        self.kind: StepKind = "step"
        self._phases, self._loaders, self._losses = Phases(), Loaders(keep=True), Losses(most=1)
        self.recorded = Recorded(self._phases, self._next)
        self._notes = Notes()
        self._loader_facts: tuple[LoaderFacts, ...] = ()
        self._began = time.perf_counter()
        self._setup_s = self._cores_taken = self._cores_wanted = 0.0
        self._samples: dict[str, Any] = {}
        self._operators: dict[str, Any] = {}

    def started_plan(self, folder: Path) -> Plan:
        """The plan of the survey, ready to be sent steps."""
        self._losses.watch()
        watch_all(self._notes)
        self._phases.watch()
        self._loaders.watch()
        plan = self._plan(folder)
        next(plan)
        return plan

    def _plan(self, folder: Path) -> Plan:
        yield from self._discover()
        left, wait_s = self._loaders.first_epoch_left()
        yield from self._look(folder)
        if (left and self._became_quicker(wait_s)) or (yield from self._is_quicker_later()):
            self._begin_anew()
            self._loaders.forget_waits()
            yield from self._look(folder)
        self._notes.stepping = False  # Trying items is no step of the script's.
        self._loader_facts = self._loaders.facts()

    def _look(self, folder: Path) -> Plan:
        """Steps are timed, then looked at more closely."""
        self._notes.on = False
        yield from self._record()
        self._phases.forget()
        yield from self._note()
        yield from sampled_window(self._phases, self._next, self._samples)
        yield from operator_window(self._phases, self._next, folder, self._operators)

    def _became_quicker(self, wait_s: float) -> bool:
        """Whether the recording reaches from a first epoch, in which a batch was waited for `wait_s`, into another that
        is quicker: no mean of both says anything."""
        seconds = self.recorded.seconds
        first, last = (statistics.median(part) for part in (seconds[:SURE], seconds[-SURE:]))
        return wait_s >= LONG_WAIT * first and last * CLEARLY < first

    def _is_quicker_later(self) -> Generator[None, StepKind, bool]:
        """Whether the first epoch was another than the rest: where data is waited for, caches may be filled in it."""
        left, wait_s = self._loaders.first_epoch_left()
        step_s = statistics.median(self.recorded.seconds)
        if wait_s < LONG_WAIT * step_s or not 0 < left * step_s < EPOCH_S:
            return False
        for _ in range(left + 1):  # The first step of the next one waits for the loader to begin again.
            yield from self._next()
        started = time.perf_counter()
        for _ in range(SURE):
            yield from self._next()
        return (time.perf_counter() - started) / SURE * CLEARLY < step_s

    def _begin_anew(self) -> None:
        self.recorded.begin_anew()
        self._samples.clear()
        self._operators.clear()

    def _discover(self) -> Plan:
        while not self.counts or self.counts[self._surest] < SURE:
            kind = yield
            self._setup_s = self._setup_s or time.perf_counter() - self._began
            self._notes.stepping = True
            self._count(kind)
        self._settle()
        for _ in range(self._after):
            yield from self._next()

    def _settle(self) -> None:
        """The surest kind that was seen is the script's."""
        self.kind = self._surest
        settle_on(self.kind)

    @property
    def _surest(self) -> StepKind:
        """Of the kinds seen. A model that is called once or twice (to export it) says nothing of what is served."""
        for kind in KINDS:
            if self.counts[kind] >= (SURE if kind == "forward" else 1):
                return kind
        return "forward"

    def _record(self) -> Plan:
        """Where a surer kind of step is seen (training begins after an evaluation), all begins anew with it."""
        ends = time.perf_counter() + RECORDED_S
        neighbours = Neighbours()
        while self.recorded.taken < MOST_RECORDED:
            yield from self.recorded.next()
            if self._surest != self.kind:
                self._settle()
                ends = time.perf_counter() + RECORDED_S
                self._begin_anew()
            if self.recorded.taken >= LEAST_RECORDED and time.perf_counter() > ends:
                break
        self._cores_taken, self._cores_wanted = neighbours.cores(), neighbours.wanted_cores()

    def _note(self) -> Plan:
        """Some steps in which calls are noted: what that takes is in no time that is reported."""
        self._notes.on = True
        ends, count = time.perf_counter() + NOTED_S, 0
        least = LEAST_NOTED if statistics.median(self.recorded.seconds) < LONG_STEP_S else LEAST_NOTED_LONG
        while count < least or time.perf_counter() < ends:
            yield from self._next()
            count += 1
        self._notes.on = False

    def _next(self) -> Plan:
        """Until a step of the kind ends, or one of a surer kind."""
        while True:
            kind = yield
            self._count(kind)
            if KINDS.index(kind) <= KINDS.index(self.kind):
                self._losses.stepped()
                return

    def _count(self, kind: StepKind) -> None:
        now = time.perf_counter() - self._notes.aside_s
        self.counts[kind] += 1
        if not self._notes.on:
            self._unnoted[kind] += 1
        elif kind in self._ended:
            self._noted_s[kind] += now - self._ended[kind]  # pyright: ignore[reportArgumentType] - it adds floats too
        if kind in self._ended:
            self._tell_of(kind, now - self._ended[kind])
        self._ended[kind] = now

    def _tell_of(self, kind: StepKind, step_s: float) -> None:
        """How far it is. Of short steps nothing is told: they are many, and what listens would cost them time."""
        now = time.perf_counter()
        if step_s < LEAST_TOLD_S or now - self._told_s < TOLD_EVERY_S:
            return
        self._told_s = now
        noted = LEAST_NOTED if step_s < LONG_STEP_S else LEAST_NOTED_LONG
        about = SURE + self._after + LEAST_RECORDED + noted + LEAST_SAMPLED + 1
        taken = self.counts[kind]
        if taken < about:
            self._tell(f"step {taken} of about {about} that it needs, {seconds_text(step_s)} each")

    def recording(self) -> dict[str, Any]:
        """As the file has it."""
        return {
            "schema": SCHEMA,
            "step": self.kind,
            "bare_seconds": self.recorded.bare,
            "distortion": self.recorded.distortion(),
            "steps": self.recorded.steps,
            "spans": [asdict(span) for span in self.recorded.spans],
            "sampled": self._samples,
            "operators": self._operators,
        }

    def facts(self, target: Target, run_s: float) -> Facts:
        """`run_s`: what the whole script took; 0 where it did not end by itself."""
        seconds = self.recorded.seconds
        median = statistics.median(seconds)
        loaders = self._loader_facts or self._loaders.facts()
        pools = (*observe.thread_pools(), *self._pools_asked_for())
        torch = any(pool.name == "torch" for pool in pools)
        return Facts(
            framework="script",
            requests=self.counts[self.kind],
            seconds_per_request=median,
            build_seconds=self._setup_s,
            peak_memory_bytes=psutil.Process().memory_info().rss,
            cpu_seconds_per_request=statistics.median(step["cpu_ns"] for step in self.recorded.steps) / 1e9,
            flat_inputs=False,
            thread_pools=pools,
            spread=_spread(seconds, median),
            fingerprint=target.fingerprint,
            cores_taken=self._cores_taken,
            cores_wanted=self._cores_wanted,
            dispatch_seconds=dispatch_seconds() if torch else 0.0,
            script=ScriptFacts(
                step=self.kind,
                steps=self.counts[self.kind],
                period=_period(loaders, self.kind, self.counts[self.kind]),
                rhythm=rhythm(self.recorded.in_a_row),
                loaders=loaders,
                written=self._written(),
                noted=self._notes.facts(),
                ended=run_s > 0,
                whole_runs=self._why_whole(run_s),
                run_s=run_s,
                unnoted_steps=self._unnoted[self.kind],
                noted_s=self._noted_s[self.kind],
                has_losses=len(self._losses) > 0,
                notes=self._said_of_timers(run_s),
                torch=torch,
            ),
        )

    def _pools_asked_for(self) -> tuple[ThreadPool, ...]:
        asked = [noted.details for noted in self._notes.facts() if noted.kind == "pool"]
        return tuple(dict.fromkeys(ThreadPool(str(each["name"]), int(each["threads"])) for each in asked))

    def _why_whole(self, run_s: float) -> str:
        """Why its turns are whole runs; only of a script that is seen to end can they be."""
        if not run_s:
            return ""
        timers = [noted for noted in self._notes.facts() if noted.kind == "timer"]
        if timers:
            call = timers[0].details["call"]
            return f"{timers[0].site} calls {call}, which goes on while a script is stopped"
        stepping = run_s - self._setup_s
        return f"its steps are over in {seconds_text(stepping)}" if stepping < LEAST_STEPPING_S else ""

    def _said_of_timers(self, run_s: float) -> tuple[str, ...]:
        """Of a script that goes on: it is stopped between turns, and its timers are not."""
        timers = [noted for noted in self._notes.facts() if noted.kind == "timer" and not run_s]
        return tuple(
            f"{timer.site} calls {timer.details['call']}, which goes on while the script is stopped between turns: "
            "what it does then is in the times. A run that ends within the survey is measured as a whole instead."
            for timer in timers[:1]
        )

    def _written(self) -> tuple[Written, ...]:
        found: dict[tuple[str, str], list[Phase]] = {}
        for span in self.recorded.spans:
            if span.kind in ("checkpoint", "print", "log") and span.site:
                found.setdefault((span.kind, span.site), []).append(span)
        steps = len(self.recorded.steps)
        return tuple(
            Written(
                kind,
                self._phases.calls[kind, site].site,
                sum(not span.part for span in spans) / steps,
                sum(span.end_ns - span.start_ns for span in spans) / 1e9 / steps,
                self._phases.calls[kind, site].direct,
                (kind, site) in self._phases.into_open_files,
                self._phases.names.get((kind, site), ""),
            )
            for (kind, site), spans in found.items()
            if (kind, site) in self._phases.calls
        )


def _period(loaders: Sequence[LoaderFacts], kind: StepKind, steps: int) -> int:
    """Steps of an epoch, by the loader that gave most batches; 0 where there is none. Where gradients are summed over
    several batches, these are one step."""
    if kind not in ("optimizer", "loader") or not loaders:
        return 0
    loader = max(loaders, key=lambda loader: loader.batches)
    return math.ceil(loader.batches_per_epoch / max(1, round(loader.batches / max(1, steps))))


def _spread(seconds: Sequence[float], median: float) -> float:
    ordered = sorted(seconds)
    return ordered[int(0.9 * (len(ordered) - 1))] / median if median else 1.0
