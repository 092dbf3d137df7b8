"""The guard of training scripts, with losses that are made up."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from fake_bench import Yard
from handmade import script
from unslow.core.errors import WorkerFailed
from unslow.core.heat import Heat
from unslow.core.jsonable import to_json
from unslow.core.options import Options
from unslow.core.variant import Applied, Variant
from unslow.core.workload import Model, Target, Workload
from unslow.fixes._script import STEPS_IN_ONE
from unslow.processes.base import Conditions, Process
from unslow.scripts.outputs import StepOutputs
from unslow.verify.script_runs import means_of
from unslow.verify.training import TrainingGuard
from unslow.verify.training_losses import SEEDS

HEAT = Heat(Variant((Applied("float32"),)), Workload(Target("script", "/train.py"), Model("script")))
Losses = Callable[[int, int], Sequence[float]]
"""(seed, how often this seed was asked for) -> losses."""


def falling(seed: int, times: int = 0, worse: float = 0.0, steps: int = 20, spread: float = 0.05) -> list[float]:
    shift = random.Random(seed).gauss(0, spread)
    return [2.0 / (1 + step / 10) + shift + worse for step in range(steps)]


class Asked(Process):
    def __init__(self, made: Scripts) -> None:
        self.made = made

    def ask(self, job: str, timeout_s: float, **arguments: Any) -> Any:
        assert arguments["steps"] >= 12
        if job == "outputs":
            self.made.asked += 1
            return to_json(self.made.answers)
        assert job == "losses"
        self.made.asked += 1
        if arguments["bundle"]:
            return to_json(self.made.variant(arguments["offset"], 0))
        times = self.made.times.get(arguments["offset"], 0)
        self.made.times[arguments["offset"]] = times + 1
        return to_json(self.made.original(arguments["offset"], times))

    def suspend(self) -> None: ...
    def resume(self) -> None: ...
    def close(self) -> None: ...

    @property
    def peak_memory_bytes(self) -> int:
        return 0


class Scripts(Yard):
    def __init__(self, original: Losses, variant: Losses) -> None:
        super().__init__({})
        self.original, self.variant = original, variant
        self.asked, self.times = 0, dict[int, int]()
        self.answers: list[StepOutputs] = []

    def start(self, conditions: Conditions) -> Process:
        return Asked(self)


def judged(
    tmp_path: Path, original: Losses, variant: Losses, tag: str = "numeric", heat: Heat = HEAT, **options: Any
) -> Any:
    made = Scripts(original, variant)
    bench = made.bench(tmp_path, facts=script())
    bench.folder.answers.mkdir(parents=True)
    return TrainingGuard(bench, Options(**options)).judge(heat, tag, 0, "bundle")


def test_an_exact_fix_that_changes_the_losses_is_lost(tmp_path: Path) -> None:
    said = judged(tmp_path, falling, lambda seed, _: falling(seed, worse=1e-6), "exact")
    assert said.verdict == "lost" and "at step 1" in said.reason


def test_losses_that_become_nan_are_lost(tmp_path: Path) -> None:
    said = judged(tmp_path, falling, lambda seed, _: [*falling(seed)[:-1], float("nan")])
    assert said.verdict == "lost" and "NaN" in said.reason


def test_a_script_that_diverges_by_itself(tmp_path: Path) -> None:
    def diverges(seed: int, times: int = 0, worse: float = 0.0) -> list[float]:
        return [*falling(seed, worse=worse), float("inf"), float("nan")]

    same = judged(tmp_path / "same", diverges, diverges, "exact")
    assert same.verdict == "kept" and "to the bit" in same.reason
    rounded = judged(tmp_path / "rounded", diverges, lambda seed, _: diverges(seed, worse=1e-6))
    assert rounded.verdict == "kept" and "differ by at most" in rounded.reason
    for theirs in (diverges(0, worse=0.5), [*falling(0), 1.0, 1.0]):
        other = judged(tmp_path / str(len(theirs)) / str(theirs[0]), diverges, lambda *_, it=theirs: it)
        assert other.verdict == "unproven" and "NaN or infinite" in other.reason


def test_losses_that_are_worse_than_seeds_make_them_are_lost(tmp_path: Path) -> None:
    said = judged(tmp_path, falling, lambda seed, _: falling(seed, worse=0.5))
    assert said.verdict == "lost" and "worse" in said.reason


def test_a_script_without_losses_or_answers_proves_nothing(tmp_path: Path) -> None:
    assert judged(tmp_path, lambda *_: [], lambda *_: []).verdict == "unproven"


def test_without_losses_the_answers_are_compared(tmp_path: Path) -> None:
    made = Scripts(lambda *_: [], lambda *_: [])
    made.answers = [StepOutputs("a", 1, ((1.0,),))]
    bench = made.bench(tmp_path, facts=script())
    bench.folder.answers.mkdir(parents=True)
    guard = TrainingGuard(bench, Options())
    assert [guard.judge(HEAT, "exact", 0, "bundle").verdict for _ in range(2)] == ["kept", "kept"]
    assert made.asked == 4  # losses and answers of the original once, then answers of each variant


def test_a_patched_script_that_does_not_run_is_lost(tmp_path: Path) -> None:
    def raises(seed: int, times: int) -> Sequence[float]:
        raise WorkerFailed("train.py:3 raised NameError: rarely")

    said = judged(tmp_path, falling, raises)
    assert (said.verdict, said.reason) == ("lost", "train.py:3 raised NameError: rarely")


def test_seeds_that_differ_wildly_leave_it_unproven(tmp_path: Path) -> None:
    wild = random.Random(1)
    said = judged(tmp_path, falling, lambda seed, _: falling(seed, worse=wild.gauss(0, 0.3)))
    assert said.verdict == "unproven" and "too few steps" in said.reason


def test_equal_bits_are_kept_whatever_the_tag(tmp_path: Path) -> None:
    said = judged(tmp_path, falling, falling, "exact")
    assert said.verdict == "kept" and "same to the bit" in said.reason and "20 steps" in said.reason


def test_a_numeric_fix_may_round_otherwise(tmp_path: Path) -> None:
    said = judged(tmp_path, falling, lambda seed, _: falling(seed, worse=1e-5))
    assert said.verdict == "kept" and "differ by at most" in said.reason
    assert judged(tmp_path / "b", falling, lambda seed, _: falling(seed, worse=1e-5), "exact").verdict == "lost"


def test_what_is_no_worse_than_other_seeds_is_kept(tmp_path: Path) -> None:
    noise = random.Random(2)
    said = judged(tmp_path, falling, lambda seed, _: falling(seed, worse=noise.gauss(0, 0.02)))
    assert said.verdict == "kept" and f"over {SEEDS} seeds" in said.reason


class TestLargerBatches:
    """One step of the variant has the samples of four of the original's."""

    HEAT = Heat(
        Variant((Applied("batch-size", {"times": 4}),)),
        Workload(Target("script", "/train.py"), Model("script", settings={STEPS_IN_ONE: 4})),
    )

    def judged(self, tmp_path: Path, worse: float) -> Any:
        def variant(seed: int, times: int) -> Sequence[float]:
            return [loss + worse for loss in means_of(falling(seed, steps=80), 4)]

        return judged(tmp_path, lambda seed, _: falling(seed, steps=80), variant, "lossy", self.HEAT)

    def test_what_learns_less_from_the_same_samples_is_lost(self, tmp_path: Path) -> None:
        assert self.judged(tmp_path, 0.6).verdict == "lost"

    def test_what_learns_as_much_from_them_is_kept(self, tmp_path: Path) -> None:
        said = self.judged(tmp_path, 0.01)
        assert said.verdict == "kept" and said.numeric["details"]["steps"] == 20

    def test_steps_that_are_left_over_are_left_out(self) -> None:
        assert means_of([1.0, 3.0, 5.0, 7.0, 100.0], 2) == [2.0, 6.0] and means_of([1.0], 2) == []


def test_an_original_that_differs_from_itself_is_judged_by_seeds(tmp_path: Path) -> None:
    def restless(seed: int, times: int) -> Sequence[float]:
        return falling(seed, worse=0.001 * times)

    said = judged(tmp_path, restless, lambda seed, _: falling(seed, worse=0.0005), "exact")
    assert said.verdict == "kept"


def test_the_originals_losses_are_asked_for_once_a_seed(tmp_path: Path) -> None:
    made = Scripts(falling, lambda seed, _: falling(seed, worse=0.01))
    bench = made.bench(tmp_path, facts=script())
    bench.folder.answers.mkdir(parents=True)
    guard = TrainingGuard(bench, Options())
    for _ in range(2):
        guard.judge(HEAT, "numeric", 0, "bundle")
    assert made.times == dict.fromkeys(range(SEEDS), 1)
