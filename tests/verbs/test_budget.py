"""How a budget is shared out, on a bench whose clock nobody waits for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from acting import Script, bench, facts, requests
from unslow.core.finding import Finding
from unslow.core.options import Options
from unslow.core.script import ScriptFacts
from unslow.core.variant import Fix
from unslow.core.workload import Model, Target, Workload
from unslow.machine.facts import this_machine
from unslow.measure.bench import LEAST_TURN_PAIRS
from unslow.measure.finals import PROCESS_PAIRS_WHEN_CLEAR
from unslow.search.space import Known
from unslow.verbs._budget import LEAST_RACE_SHARE, MOST_FINALISTS, RESCUE_SHARE, Budget, seeds_for, steady_s
from unslow.verify.training_losses import SEEDS


def budget(folder: Path, budget_s: float, now: float = 0.0, **known: Any) -> Budget:
    script = Script(lambda who, settings, request: [], requests=requests(8))
    script.now = now
    return Budget(bench(script, folder, facts(8, **known)), Options(budget_s=budget_s), 0.0)


def test_the_race_gets_what_the_rest_does_not_need(tmp_path: Path) -> None:
    plan = budget(tmp_path, 300.0)
    assert plan.race_ends(rescues=False) == pytest.approx(300.0 - plan.judging_s(2) - plan.finals_s(1))
    assert plan.race_ends(rescues=True) == pytest.approx(plan.race_ends(rescues=False) - RESCUE_SHARE * 300.0)


def test_a_budget_that_is_too_small_still_has_a_race(tmp_path: Path) -> None:
    plan = budget(tmp_path, 20.0, now=15.0, seconds_per_request=2.0)
    assert plan.race_ends(rescues=True) == 15.0 + LEAST_RACE_SHARE * 20.0


@pytest.mark.parametrize("now", [0.0, 250.0, 1e6])
def test_there_is_always_one_finalist(tmp_path: Path, now: float) -> None:
    assert budget(tmp_path, 10.0, now=now).finalists == 1


def test_as_many_finalists_as_fit_and_no_more_than_three(tmp_path: Path) -> None:
    plan = budget(tmp_path, 1e6)
    two = plan.finals_s(2) + plan.judging_s(1)
    assert plan.finalists == MOST_FINALISTS
    assert budget(tmp_path / "two", two + 1.0).finalists == 2
    assert budget(tmp_path / "one", two - 1.0).finalists == 1


def test_more_finalists_and_slower_models_take_longer(tmp_path: Path) -> None:
    quick, slow = budget(tmp_path / "a", 300.0), budget(tmp_path / "b", 300.0, seconds_per_request=1.0)
    assert quick.finals_s(1) < quick.finals_s(2) < slow.finals_s(2)
    assert quick.judging_s(1) < slow.judging_s(1)


class TestAScript:
    SCRIPT = ScriptFacts("optimizer", 100)

    def known(self, script: ScriptFacts | None, *fixes: Fix) -> Known:
        runtime = "script" if script else "torch"
        workload = Workload(Target("script", "/somewhere/train.py"), Model(runtime))
        return Known(
            workload,
            facts(8, script=script, seconds_per_request=0.5),
            this_machine(floors=False),
            [Finding("decoding-repeated", "It waits.", 0.9, 0.0)],
            {fix.name: fix for fix in fixes},
            Options(),
        )

    def fix(self, name: str, steps: int, runtime: str = "script") -> Fix:
        return Fix(
            name, name, "exact", name, ("decoding-repeated",), frozenset({runtime}), lambda workload, *_: workload,
            warm_steps=lambda _: steps,
        )  # fmt: skip

    def test_what_is_steady_at_once_takes_nothing(self) -> None:
        assert steady_s(self.known(self.SCRIPT)) == steady_s(self.known(self.SCRIPT, self.fix("threads", 0))) == 0

    def test_a_model_is_built_once(self) -> None:
        assert steady_s(self.known(None, self.fix("compiled", 30, "torch"))) == 0

    def test_each_opening_of_a_finalist_fills_its_cache(self, tmp_path: Path) -> None:
        seconds = steady_s(self.known(self.SCRIPT, self.fix("threads", 0), self.fix("cache-decoded", 32)))
        assert seconds == 16.0
        plan = budget(tmp_path, 300.0, script=self.SCRIPT)
        longer = replace(plan, steady_s=seconds)
        assert longer.finals_s(1) - plan.finals_s(1) == pytest.approx(PROCESS_PAIRS_WHEN_CLEAR * 16.0)

    def test_what_is_judged_over_seeds_is_planned_for_once(self, tmp_path: Path) -> None:
        plan = budget(tmp_path, 1000.0, script=self.SCRIPT)
        over_seeds = replace(plan, seeds=6)
        assert over_seeds.judging_s(1) == pytest.approx(4 * plan.judging_s(1))
        planned_s = over_seeds.judging_s(1) + over_seeds.finals_s(1)
        assert over_seeds.race_ends(rescues=False) == pytest.approx(1000.0 - planned_s)

    @pytest.mark.parametrize(("tag", "seeds"), [("exact", 0), ("numeric", 0), ("lossy", SEEDS)])
    def test_only_what_changes_losses_is_judged_over_seeds(self, tag: Any, seeds: int) -> None:
        offered = replace(self.fix("mixed-precision", 0), tag=tag)
        assert seeds_for(self.known(self.SCRIPT, offered)) == seeds
        assert seeds_for(self.known(None, offered)) == 0
        assert seeds_for(self.known(self.SCRIPT, replace(offered, treats=("tiny-batches",)))) == 0
        hardly_worth_it = replace(
            self.known(self.SCRIPT, offered), findings=[Finding("decoding-repeated", "", 0.0, 0.0)]
        )
        assert seeds_for(hardly_worth_it) == seeds
        skipped = replace(self.known(self.SCRIPT, offered), options=Options(skip=("mixed-precision",)))
        assert seeds_for(skipped) == 0

    def test_a_turn_of_an_epoch_has_an_untimed_one_before_it(self, tmp_path: Path) -> None:
        plan = budget(tmp_path / "a", 300.0, script=self.SCRIPT, seconds_per_request=0.1)
        epochs = budget(tmp_path / "b", 300.0, script=replace(self.SCRIPT, period=8), seconds_per_request=0.1)
        more_s = (8 + 8 - (3 + 1)) * 0.1
        pairs = min(LEAST_TURN_PAIRS, plan.bench.turn_pairs)
        least = PROCESS_PAIRS_WHEN_CLEAR * pairs * 2 * more_s
        assert epochs.finals_s(1) - plan.finals_s(1) >= least

    def test_the_original_takes_its_first_steps_too(self, tmp_path: Path) -> None:
        plan = budget(tmp_path, 300.0, script=self.SCRIPT, seconds_per_request=0.5)
        assert plan.judging_s(1) == pytest.approx(2 * plan.judging_s(0))
