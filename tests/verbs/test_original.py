"""The original's own figures where no finals gave them."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_trials import FIXES, OPTIONS, A, final, ran, results

from fake_bench import Script, Yard, dies
from unslow.core.events import silent
from unslow.core.options import Options
from unslow.core.workload import Serving
from unslow.runs.journal import Journal
from unslow.verbs._original import with_original
from unslow.verbs._trials import Results, trials


def measured(yard: Yard, folder: Path, what: Results, options: Options = OPTIONS) -> Results:
    folder.mkdir(exist_ok=True)
    try:
        return with_original(what, yard.bench(folder), options, Journal(folder / "journal.jsonl"), silent)
    finally:
        assert yard.open_workers == []


def test_finals_give_them_already(tmp_path: Path) -> None:
    yard = Yard({})
    what = results(ran(A), finals=(final(A.id),))
    assert measured(yard, tmp_path, what) is what and yard.workers == []


@pytest.mark.parametrize("script", [Script(fails={"open": dies}), Script(fails_at_turn=5)])
def test_an_original_that_dies_now_costs_its_figures_alone(tmp_path: Path, script: Script) -> None:
    assert measured(Yard({"original": script}), tmp_path, results(ran(A))).original is None


def test_without_finals_it_is_measured_by_itself_and_once(tmp_path: Path) -> None:
    yard = Yard({"original": Script(0.02, jitter=0.0)})
    what = measured(yard, tmp_path, results(ran(A)))
    assert measured(yard, tmp_path, results(ran(A))) == what and yard.count("open", "original") == 1
    original = next(trial for trial in trials(what, FIXES, OPTIONS, None, Serving(clients=2)) if not trial.fixes)
    assert original.latency_ms is not None
    assert (original.latency_ms.p50, original.throughput) == (pytest.approx(20), pytest.approx(50))
    assert (original.cpu_seconds_per_1000, original.peak_memory_bytes) == (pytest.approx(20), 1001)
    assert original.load == "a closed loop of 2 clients"


def test_a_slow_one_is_not_measured_for_long(tmp_path: Path) -> None:
    yard = Yard({"original": Script(3.0)})
    measured(yard, tmp_path, results())
    assert yard.now < 60


def test_the_load_that_was_asked_for_is_the_original_s_too(tmp_path: Path) -> None:
    what = measured(Yard({}), tmp_path, results(), Options(rate=50.0))
    assert what.original is not None and len(what.original.load_ms[0]) >= 400
    original = trials(what, FIXES, OPTIONS, None)[0]
    assert original.latency_ms is not None and original.latency_ms.p99_high == pytest.approx(10)
