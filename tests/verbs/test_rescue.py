"""Putting layers back: which variants, how many layers, when it ends, and that a run goes on from its journal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from acting import Script, bench, facts, failing, requests
from unslow.core.events import Event
from unslow.core.heat import Final, Heat
from unslow.core.options import Options
from unslow.core.trial import Guarded
from unslow.core.variant import Applied, Fix, Layers, Variant
from unslow.core.workload import Inference, Workload
from unslow.measure.bench import Bench, build
from unslow.measure.heats import Original
from unslow.measure.race import shared_alpha, speedup
from unslow.runs.journal import Journal
from unslow.search.contest import MOST_VARIANTS, Raced
from unslow.search.rescue import LayerHarm, Rung, Sensitivities
from unslow.verbs._budget import Budget
from unslow.verbs._decide import decide
from unslow.verbs._judges import MOST_RESCUED, Judges, lossy_variants
from unslow.verbs._rescue import Again, losers
from unslow.verbs._trials import Results
from unslow.verify.agreement import distances
from unslow.verify.guard import Guard
from unslow.verify.judge import read_answers

LAYERS = tuple("abcdefghi")
NEVER = 10**6
OPTIONS = Options()
N = 8
WEIGHTS = np.random.default_rng(7).normal(size=(6, 5)).astype(np.float32)


def unchanged(workload: Workload, parameters: Any, workshop: Any) -> Workload:
    return workload


def fix(name: str, tag: Any, **fields: Any) -> Fix:
    return Fix(name, "", tag, name, (), frozenset({"function"}), unchanged, **fields)


FIXES: Mapping[str, Fix] = {
    "int8": fix("int8", "lossy", layers=lambda workload, parameters, workshop: Layers(LAYERS)),
    "half": fix("half", "lossy"),
    "threads": fix("threads", "exact"),
}
INT8, HALF, THREADS = (Variant((Applied(name),)) for name in ("int8", "half", "threads"))
SENSITIVITIES = Sensitivities(
    tuple(LayerHarm(name, 0.1 / (1 + place)) for place, name in enumerate(LAYERS)),
    tuple(Rung(k, 0.2 / (1 + k)) for k in (0, 1, 2, 4, 8)),
    4,
    1.0,
)


def judged(case: Any, target: Any) -> Guarded:
    """Kept with equal answers, else lost by far."""
    original, variant = (read_answers(case[side]) for side in ("original", "variant"))
    if float(distances(original, variant).max()) < 1e-6:
        return Guarded("kept", "It is kept.")
    return Guarded("lost", "It is lost.", agreement={"estimate": {"point": 2.0, "unit": "distance"}})


def excluded(who: str) -> int:
    """How many layers a variant leaves out, by its text."""
    return who.count("'") // 2


@dataclass
class Stage:
    """One run after its race. `needed`: with how many layers out the outputs are right."""

    folder: Path
    needed: int = 2
    int8_seconds: float = 0.02
    per_layer: float = 0.001
    until: float = 1e9
    jobs: Mapping[str, Any] | None = None
    heats: tuple[Heat, ...] | None = None

    def __post_init__(self) -> None:
        def answers(who: str, settings: Mapping[str, Any], request: Mapping[str, Any]) -> list[Any]:
            wrong = "int8" in who and excluded(who) < self.needed
            return [request["x"] @ WEIGHTS * (-1 if wrong else 1)]

        def seconds(who: str) -> float:
            return self.int8_seconds + self.per_layer * excluded(who) if "int8" in who else 0.05 if who else 0.1

        asked = requests(N)
        jobs = {"sensitivity": lambda **_: SENSITIVITIES, "judge": judged, **(self.jobs or {})}
        self.script = Script(answers, lambda who: 0.1 if who == "original" else seconds(who), requests=asked, jobs=jobs)
        self.script.inference = Inference(None, asked)
        self.bench: Bench = bench(self.script, self.folder, facts(N))
        self.events: list[Event] = []
        if self.heats is None:
            self.heats = (self.heat(INT8, 0.02), self.heat(THREADS, 0.05))

    def heat(self, variant: Variant, seconds: float, **fields: Any) -> Heat:
        """A heat as the race left it."""
        workload = build(self.bench, variant).workload
        pairs = () if fields.get("lost") else (float(np.log(0.1 / seconds)),) * 30
        return Heat(variant, workload, pairs, 1.0, 1.0, 1, seconds, **fields)

    def decided(self, check: Any = lambda opened, heat: "") -> Results:
        journal = Journal(self.bench.folder.journal)
        heats = {heat.id: heat for heat in self.heats or ()} | journal.all("heat", Heat)
        for heat in heats.values():
            journal.add("heat", heat.id, heat)
        alpha = shared_alpha(OPTIONS.alpha, MOST_VARIANTS)
        raced = Raced(heats, {name: speedup(heat.log_ratios, alpha) for name, heat in heats.items() if heat.ran})
        guard = Guard(self.bench, OPTIONS)
        again = Again(Original(self.bench), check, self.until)
        try:
            return decide(
                self.bench, raced, guard, FIXES, again, Budget(self.bench, OPTIONS, 0.0), journal, self.events.append
            )
        finally:
            guard.close()


def layers_out(results: Results) -> dict[int, str]:
    """The rescued variants: how many layers each leaves out, and what became of its outputs."""
    return {
        excluded(str(heat.variant)): said.verdict if (said := results.guarded.get(heat.id)) else heat.lost or "slow"
        for heat in results.heats.values()
        if excluded(str(heat.variant))
    }


def test_nothing_is_rescued_that_is_kept(tmp_path: Path) -> None:
    stage = Stage(tmp_path, needed=0)
    assert layers_out(stage.decided()) == {} and stage.script.asked("sensitivity") == []


@pytest.mark.parametrize("variant", [HALF, THREADS])
def test_only_fixes_with_layers_are_rescued(tmp_path: Path, variant: Variant) -> None:
    stage = Stage(tmp_path, jobs={"judge": lambda **_: Guarded("lost", "It is lost.")}, heats=())
    stage.heats = (stage.heat(variant, 0.02),)
    assert layers_out(stage.decided()) == {} and stage.script.asked("sensitivity") == []


def test_what_would_not_lead_is_not_rescued(tmp_path: Path) -> None:
    stage = Stage(tmp_path, heats=())
    stage.heats = (stage.heat(THREADS, 0.02), stage.heat(INT8, 0.0202))
    assert layers_out(stage.decided()) == {} and stage.script.asked("sensitivity") == []


def test_without_time_nothing_is_tried(tmp_path: Path) -> None:
    stage = Stage(tmp_path, until=0.0)
    assert layers_out(stage.decided()) == {} and stage.script.asked("sensitivity") == []


def test_layers_that_cannot_be_looked_at_end_it_with_a_note(tmp_path: Path) -> None:
    stage = Stage(tmp_path, jobs={"sensitivity": failing("The model is too large.")})
    results = stage.decided()
    assert layers_out(results) == {} and THREADS.id in results.finals
    assert any(event.stage == "note" and "too large" in event.text for event in stage.events)


@pytest.mark.parametrize(
    ("needed", "tried"),
    [
        (1, {8: "kept", 2: "kept", 1: "kept"}),
        (2, {8: "kept", 2: "kept", 1: "lost"}),
        (4, {8: "kept", 2: "lost", 4: "kept"}),
        (NEVER, {8: "lost"}),
    ],
)
def test_bisection_finds_the_fewest_layers(tmp_path: Path, needed: int, tried: dict[int, str]) -> None:
    """The answers are opposite: the first guess is that nearly everything must go back."""
    results = Stage(tmp_path, needed=needed).decided()
    assert layers_out(results) == tried
    assert len(tried) <= MOST_RESCUED


def test_the_worst_layers_go_back_and_the_rest_of_the_fix_stays(tmp_path: Path) -> None:
    results = Stage(tmp_path, needed=2).decided()
    two = next(heat for heat in results.heats.values() if excluded(str(heat.variant)) == 2)
    assert two.variant.fixes == (Applied("int8", {"exclude": ["a", "b"]}),)


def test_a_rescued_variant_goes_to_the_finals_and_the_lost_one_does_not(tmp_path: Path) -> None:
    results = Stage(tmp_path, needed=4).decided()
    fastest = max(results.finals.values(), key=lambda final: float(np.median(final.log_ratios)))
    assert excluded(str(results.heats[fastest.id].variant)) == 4
    assert INT8.id in results.set_aside and INT8.id not in results.finals


def test_a_rescued_variant_that_is_too_slow_ends_the_climb(tmp_path: Path) -> None:
    stage = Stage(tmp_path, needed=NEVER, per_layer=0.008)
    assert layers_out(stage.decided()) == {8: "slow", 2: "lost", 4: "slow"}


def test_what_was_lost_at_a_glance_is_rescued_by_its_warm_up_speed(tmp_path: Path) -> None:
    stage = Stage(tmp_path, needed=2, heats=())
    stage.heats = (stage.heat(INT8, 0.02, lost="Its answers are far."), stage.heat(THREADS, 0.05))
    assert layers_out(stage.decided()) == {8: "kept", 2: "kept", 1: "lost"}


def test_a_rescued_variant_may_be_lost_at_a_glance_too(tmp_path: Path) -> None:
    stage = Stage(tmp_path, needed=4)
    results = stage.decided(lambda opened, heat: "Far off." if excluded(str(heat.variant)) < 4 else "")
    assert layers_out(results) == {8: "kept", 2: "Far off.", 4: "kept"}


def test_a_failure_ends_it(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.script.jobs = {**stage.script.jobs, "build": failing("No layer is left.")}
    results = stage.decided()
    assert [heat.failure for heat in results.heats.values() if heat.failure] == ["No layer is left."]
    assert THREADS.id in results.finals


def test_a_run_goes_on_from_its_journal(tmp_path: Path) -> None:
    first = Stage(tmp_path, needed=4)
    before = first.decided()
    second = Stage(tmp_path, needed=4)
    second.script.diary.clear()
    after = second.decided()
    assert layers_out(after) == layers_out(before) and after.finals == before.finals
    assert {line.partition(":")[0] for line in second.script.diary} == set()


def test_an_interrupted_rescue_goes_on_where_it_was(tmp_path: Path) -> None:
    Stage(tmp_path, needed=4).decided()
    path = tmp_path / "journal.jsonl"
    lines = path.read_text().splitlines()
    heats = [number for number, line in enumerate(lines) if '"kind": "heat"' in line]
    path.write_text("\n".join(lines[: heats[3]]) + "\n")
    stage = Stage(tmp_path, needed=4)
    stage.script.diary.clear()
    assert layers_out(stage.decided()) == {8: "kept", 2: "lost", 4: "kept"}
    assert stage.script.asked("sensitivity") == [] and len(stage.script.asked("build")) == 2


def test_losers_are_the_fastest_of_each_kind(tmp_path: Path) -> None:
    stage = Stage(tmp_path, heats=())
    coarse = Variant((Applied("int8", {"per_channel": False}),))
    below = Variant((Applied("threads"), Applied("int8")))
    found = [stage.heat(INT8, 0.03), stage.heat(coarse, 0.02), stage.heat(below, 0.05), stage.heat(HALF, 0.01)]
    raced = Raced({heat.id: heat for heat in found}, {heat.id: speedup(heat.log_ratios, 0.001) for heat in found})
    judges = Judges(stage.bench, Guard(stage.bench, Options()), FIXES, 1, Journal(tmp_path / "other"), lambda _: None)
    judges.guarded |= {heat.id: Guarded("lost", "") for heat in found}
    assert [(lost.heat.variant, lost.place) for lost in losers(raced, judges, FIXES, Options(), 0.1)] == [
        (coarse, 0), (below, 1)
    ]  # fmt: skip
    judges.guarded |= {heat.id: Guarded("kept", "") for heat in found}
    assert losers(raced, judges, FIXES, Options(), 0.1) == ()


def test_the_error_rate_is_shared_with_those_that_may_be_rescued(tmp_path: Path) -> None:
    stage = Stage(tmp_path, heats=())
    heats = [stage.heat(INT8, 0.02), stage.heat(HALF, 0.03), stage.heat(THREADS, 0.05)]
    assert lossy_variants({heat.id: heat for heat in heats}, FIXES) == 2 + MOST_RESCUED
    assert lossy_variants({heat.id: heat for heat in heats[1:]}, FIXES) == 1
    rescued = replace(heats[0], variant=Variant((Applied("int8", {"exclude": ["a"]}),)))
    assert lossy_variants({heat.id: heat for heat in (*heats, rescued)}, FIXES) == 2 + MOST_RESCUED


def test_finals_are_kept_in_the_journal(tmp_path: Path) -> None:
    Stage(tmp_path, needed=0).decided()
    assert set(Journal(tmp_path / "journal.jsonl").all("final", Final)) == {INT8.id}
