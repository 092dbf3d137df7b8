"""Opening: together or one by one; one that fails leaves the other, and whatever is raised leaves nothing open."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fake_bench import ORIGINAL, FakeWorker, Script, Yard, dies, interrupted
from unslow.core.errors import WorkerFailed
from unslow.measure.bench import Bench, Opened
from unslow.measure.opening import Opening, load_process, open_side, open_together, original_opening
from unslow.processes.base import Conditions, Process


def two(bench: Bench) -> list[Opening]:
    return [original_opening(bench, bench.race_order), Opening("variant", ORIGINAL, bench.race_order)]


def yard_of(**scripts: Script) -> Yard:
    return Yard({"original": scripts.get("original", Script(0.01)), "variant": scripts.get("variant", Script(0.02))})


def test_one_that_fails_is_the_reason_and_the_other_is_opened(tmp_path: Path) -> None:
    yard = yard_of(variant=Script(fails={"open": dies}))
    original, variant = open_together(yard.bench(tmp_path), two(yard.bench(tmp_path)))
    assert isinstance(original, Opened) and isinstance(variant, WorkerFailed) and "SIGSEGV" in variant.what
    assert yard.open_workers == ["original"]


def test_one_that_fails_while_it_warms_up_is_gone(tmp_path: Path) -> None:
    yard = yard_of(variant=Script(fails_at_turn=2))
    with pytest.raises(WorkerFailed, match="SIGSEGV"):
        open_side(yard.bench(tmp_path), two(yard.bench(tmp_path))[1])
    assert yard.open_workers == []


@pytest.mark.parametrize("who", ["original", "variant"])
def test_an_interrupt_goes_through_and_leaves_nothing_open(tmp_path: Path, who: str) -> None:
    yard = yard_of(**{who: Script(fails={"open": interrupted})})
    with pytest.raises(KeyboardInterrupt):
        open_together(yard.bench(tmp_path), two(yard.bench(tmp_path)))
    assert yard.open_workers == []


def test_both_are_warm_and_asleep(tmp_path: Path) -> None:
    yard = yard_of()
    sides = open_together(yard.bench(tmp_path), two(yard.bench(tmp_path)))
    assert [side.side.seconds for side in sides if isinstance(side, Opened)] == pytest.approx([0.01, 0.02], rel=0.01)
    assert all(worker.asleep for worker in yard.workers)


def test_what_is_only_asked_for_answers_is_awake_and_not_warmed_up(tmp_path: Path) -> None:
    yard = yard_of()
    with load_process(yard.bench(tmp_path), two(yard.bench(tmp_path))[1]):
        assert not yard.workers[0].asleep and yard.count("turn", "variant") == 0


class Eager(Yard):
    """Its workers note when they are begun, as processes do that import while another one does."""

    def __init__(self, scripts: dict[str, Script]) -> None:
        super().__init__(scripts)
        self.begun: list[str] = []

    def start(self, conditions: Conditions) -> Process:
        worker = super().start(conditions)
        assert isinstance(worker, FakeWorker)

        def begin(job: str, timeout_s: float, **arguments: Any) -> Callable[[], Any]:
            self.begun.append(f"begun {worker.name}")

            def answer() -> Any:
                self.begun.append(f"answered {worker.name}")
                return worker.ask(job, timeout_s, **arguments)

            return answer

        worker.begin = begin  # type: ignore[method-assign]
        return worker


@pytest.mark.parametrize(
    ("cores", "order"),
    [
        (1, ["begun original", "answered original", "begun variant", "answered variant"]),
        (2, ["begun original", "begun variant", "answered original", "answered variant"]),
    ],
)
def test_they_import_together_where_there_are_cores(tmp_path: Path, cores: int, order: list[str]) -> None:
    yard = Eager({})
    bench = yard.bench(tmp_path)
    open_together(replace(bench, machine=replace(bench.machine, cores=cores)), two(bench))
    assert yard.begun == order
