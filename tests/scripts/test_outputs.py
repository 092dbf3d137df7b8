"""What a script's models answer, from processes of their own."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from unslow.core.facts import Facts
from unslow.core.jsonable import from_json, to_json
from unslow.core.script import ScriptFacts
from unslow.core.workload import Model, Target, Workload
from unslow.processes.base import Conditions
from unslow.processes.local import LocalProcesses
from unslow.scripts.outputs import StepOutputs
from unslow.verify.scoring import first_difference, largest_error

SOURCE = """
import torch

model = torch.nn.Sequential(torch.nn.Linear(4, 200), torch.nn.Dropout(0.5))
while True:
    rows = model(torch.randn(2, 4))
    rows.zero_() if not rows.requires_grad else None
"""


def outputs(folder: Path, source: str, steps: int = 7) -> list[StepOutputs]:
    folder.mkdir()
    (folder / "score.py").write_text(source)
    target = Target("script", str(folder / "score.py"), directory=str(folder))
    facts = replace(Facts("script", 20, 0.1, 1.0, 1 << 30, 0.1), script=ScriptFacts("forward", 20))
    (folder / "survey").mkdir()
    with LocalProcesses().start(Conditions(folder / "log")) as process:
        answer: Any = process.ask(
            "outputs", 100.0, workload=to_json(Workload(target, Model("script"))), facts=to_json(facts),
            survey=str(folder / "survey"), steps=steps,
        )  # fmt: skip
    return list(from_json(tuple[StepOutputs, ...], json.loads(json.dumps(answer))))


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> list[StepOutputs]:
    return outputs(tmp_path_factory.mktemp("scripts") / "original", SOURCE)


def test_a_script_without_a_model(tmp_path: Path) -> None:
    source = "import torch\nlayer = torch.nn.Identity()\nwhile True:\n    layer(None)\n"
    assert outputs(tmp_path / "a", source) == []


def test_each_step_has_its_answers(original: list[StepOutputs]) -> None:
    assert len(original) == 7 and len({step.digest for step in original}) == 7
    assert all(step.leaves == 1 and len(step.samples[0]) == 64 for step in original)


def test_the_same_seed_gives_the_same_bits_and_what_is_done_afterwards_does_not_count(
    tmp_path: Path, original: list[StepOutputs]
) -> None:
    again = outputs(tmp_path / "b", SOURCE.replace("while", "torch.set_grad_enabled(False)\nwhile"))
    assert first_difference(original, again) is None


def test_a_small_difference_is_seen(tmp_path: Path, original: list[StepOutputs]) -> None:
    other = outputs(tmp_path / "c", SOURCE.replace("2, 4))", "2, 4) * 1.0001)"))
    assert first_difference(original, other) == 0 and 0 < largest_error(original, other) < 1e-3
