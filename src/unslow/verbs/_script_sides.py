"""The two sides of a comparison of scripts: each watched once, then run in turns; compared by steps, or by samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import final

from unslow.core.errors import BadInput, WorkerFailed
from unslow.core.events import Event, Listener
from unslow.core.options import Options
from unslow.core.script import STEP_WORDS, ScriptFacts
from unslow.core.trial import Guarded
from unslow.fixes._script import steps_in_one, with_steps_in_one
from unslow.machine.facts import this_machine
from unslow.measure.bench import Bench, Opened
from unslow.measure.opening import open_side, original_opening
from unslow.processes.base import Processes
from unslow.scripts.made import LOG
from unslow.verbs._bench import bench_of
from unslow.verbs._look import Surveyed, survey
from unslow.verbs._named import Named
from unslow.verify.scoring import judged
from unslow.verify.script_runs import ScriptRuns, steps_within
from unslow.verify.training_losses import judged_losses


@final
class ScriptSides:
    """Opens script a and script b as often as they are asked for, each time in a fresh process."""

    def __init__(self, both: Sequence[Named], options: Options, processes: Processes, listener: Listener) -> None:
        self._options, self._listener = options, listener
        one, other = (run.folder.survey / LOG for run in both)
        other.symlink_to(one)  # What one makes outside of its mirror the other may write too.
        a, b = (self._surveyed(run, processes) for run in both)
        a, b = _on_one_scale(a, b)
        machine = this_machine(floors=False)
        self._benches = tuple(
            bench_of(seen, machine, run.folder, options, processes) for seen, run in zip((a, b), both, strict=True)
        )

    @property
    def names(self) -> list[str]:
        """As they are reported."""
        return [_name(bench) for bench in self._benches]

    @property
    def turn_pairs(self) -> int:
        """Pairs of turns in each pair of processes, at most."""
        return min(bench.turn_pairs for bench in self._benches)

    def open(self, index: int) -> Opened:
        """One side (0: a, 1: b) in a fresh process, warmed up.

        Raises
        ------
        BadInput, CannotRun
            It cannot be run again.
        """
        bench = self._benches[index]
        self._listener(Event("build", f"opening {_name(bench)}"))
        try:
            return open_side(bench, original_opening(bench, bench.final_order))
        except WorkerFailed as error:
            raise error.of_the_target(f"Try it alone: unslow profile {bench.original.target}") from error

    def outputs(self) -> Guarded | None:
        """Whether b's losses, or what its models answer, are those of a."""
        self._listener(Event("guard", "both run once more, for their losses"))
        times = max(map(_times, self._benches))
        steps = steps_within(times * max(bench.facts.seconds_per_request for bench in self._benches))
        a, b = (ScriptRuns(bench, steps) for bench in self._benches)
        tolerance = self._benches[0].facts.tolerance if self._options.tolerance is None else self._options.tolerance
        try:
            found = judged_losses(_Pairs(a, b, *map(_times, reversed(self._benches))), "numeric", tolerance)
            if found is not None:
                return found
            return judged(a.original_outputs(), b.original_outputs(), "numeric", lambda: a.original_outputs(again=True))
        except WorkerFailed as error:
            return Guarded("unproven", error.what)

    def notes(self) -> tuple[str, ...]:
        """What the reader must know of the steps."""
        script = _script(self._benches[0])
        said = [f"A step is {STEP_WORDS[script.step]}."]
        for bench, other in (self._benches, reversed(self._benches)):
            if _times(bench) > 1:
                said.append(
                    f"A step of {_name(bench)} has {_times(bench)} times the samples of one of {_name(other)}: they "
                    "are compared over the same samples."
                )
        sizes = [_batch_size(_script(bench)) for bench in self._benches]
        if sizes[0] != sizes[1] and all(_times(bench) == 1 for bench in self._benches):
            said.append(f"Their batches have {sizes[0]} and {sizes[1]} samples; they are compared step by step.")
        if script.whole_runs:
            said.append(f"Each turn is a whole run: {script.whole_runs}.")
        return tuple(said)

    def _surveyed(self, run: Named, processes: Processes) -> Surveyed:
        self._listener(Event("survey", f"watching {run.target} run"))
        return survey(run.target, run.folder, self._options, processes, self._listener)


@dataclass(frozen=True)
class _Pairs:
    """The losses of both over the same samples: of each the mean of as many steps as one step of the other holds."""

    a: ScriptRuns
    b: ScriptRuns
    a_steps: int
    b_steps: int

    def ours(self, seed: int, again: bool = False) -> list[float]:
        return self.a.original_losses(seed, self.a_steps, again)

    def theirs(self, seed: int) -> list[float]:
        return self.b.original_losses(seed, self.b_steps)

    def both(self, seed: int) -> tuple[list[float], list[float]]:
        return self.ours(seed), self.theirs(seed)


def _on_one_scale(a: Surveyed, b: Surveyed) -> tuple[Surveyed, Surveyed]:
    """Both counted in the same steps: those of the smaller batches, where one has so many times the samples; in whole
    runs, where one of them needs that.

    Raises
    ------
    BadInput
        They have not the same kind of step.
    """
    one, other = _of(a), _of(b)
    if one.step != other.step:
        raise BadInput(
            f"A step of {a.workload.target} is {STEP_WORDS[one.step]}, one of {b.workload.target} is "
            f"{STEP_WORDS[other.step]}.",
            "Put `with unslow.step():` around what is the same in both.",
        )
    if whole := one.whole_runs or other.whole_runs:
        return _in_whole_runs(a, whole), _in_whole_runs(b, whole)
    sizes = _batch_size(one), _batch_size(other)
    if one.step != "optimizer" or not all(sizes) or max(sizes) % min(sizes):
        return a, b
    times = max(sizes) // min(sizes)
    return (a, _larger(b, a, times)) if sizes[1] > sizes[0] else (_larger(a, b, times), b)


def _in_whole_runs(seen: Surveyed, why: str) -> Surveyed:
    script = _of(seen)
    run_s = script.run_s or script.steps * seen.facts.seconds_per_request
    return replace(seen, facts=replace(seen.facts, script=replace(script, whole_runs=why, run_s=run_s)))


def _larger(seen: Surveyed, smaller: Surveyed, times: int) -> Surveyed:
    """One whose steps have `times` the samples, counted in the steps of the one with smaller batches."""
    if times == 1:
        return seen
    script = replace(_of(seen), period=_of(smaller).period)
    facts = replace(seen.facts, script=script, seconds_per_request=seen.facts.seconds_per_request / times)
    return replace(seen, workload=with_steps_in_one(seen.workload, times), facts=facts)


def _of(seen: Surveyed) -> ScriptFacts:
    if seen.facts.script is None:
        raise BadInput(f"{seen.workload.target} is no script.", "Compare a script with a script.")
    return seen.facts.script


def _script(bench: Bench) -> ScriptFacts:
    return bench.facts.script or ScriptFacts("step", 0)


def _batch_size(script: ScriptFacts) -> int:
    """Of the loader that gives most batches; 0 where there is none."""
    loader = max(script.loaders, key=lambda loader: loader.batches, default=None)
    return loader.batch_size if loader else 0


def _times(bench: Bench) -> int:
    return steps_in_one(bench.original)


def _name(bench: Bench) -> str:
    return bench.original.target.words
