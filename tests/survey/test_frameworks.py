"""Scripts that Trainer, Lightning and Accelerate train, as their users write them (`frameworks/`), and NumPy alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from unslow.core.script import LoaderFacts

from .test_script import Surveyed, project, survey  # noqa: F401  (a fixture)

SCRIPTS = Path(__file__).parent / "frameworks"
WROTE = {"trainer": "trainer_output", "lit": "lightning_logs", "accelerated": "runs"}
SHORT = {"trainer": "40", "lit": "4", "accelerated": "4"}
"""Forty optimizer steps each."""
PHASES = ("data", "forward", "backward", "optimizer")


def source(name: str) -> str:
    return (SCRIPTS / f"{name}.py").read_text(encoding="utf-8")


def line_of(name: str, text: str) -> int:
    """The first line of the script that has this text."""
    return next(n for n, line in enumerate(source(name).splitlines(), 1) if text in line)


def surveyed(folder: Path, name: str, *arguments: str) -> Surveyed:
    """What every framework must give: optimizer steps, all phases, losses, and nothing in the user's folder."""
    seen = survey(folder, source(name), *arguments)
    assert seen.script.step == "optimizer" and seen.script.has_losses
    phases = seen.profile.phases
    assert all(any(part > 0.005 for name, part in phases.items() if phase in name) for phase in ("forward", "backward"))
    assert sum(phases.values()) == pytest.approx(1) and min(phases.values()) >= 0
    assert set(PHASES) <= {span.details.get("phase") for span in seen.profile.spans}
    assert [path.name for path in folder.iterdir()] == ["train.py"]
    assert list((folder.parent / "survey" / "mirror").rglob(WROTE[name]))
    assert "Traceback" not in seen.log
    return seen


def of_training(seen: Surveyed) -> LoaderFacts:
    return max(seen.script.loaders, key=lambda loader: loader.items)


def test_trainer(project: Path) -> None:  # noqa: F811
    seen = surveyed(project, "trainer", SHORT["trainer"])
    assert seen.script.steps == 40 and seen.script.ended
    assert {(loader.items, loader.batch_size) for loader in seen.script.loaders} == {(1500, 8), (40, 8)}
    training = of_training(seen)
    assert not training.direct and training.site.line == line_of("trainer", "trainer.train()")
    # Two batches are one step, and one is made ahead; what evaluates is made anew each time, and is another loader.
    assert (training.batches, training.made, seen.script.period) == (81, 1, 94)
    (arguments,) = seen.script.of_kind("training-arguments")
    assert arguments.direct and arguments.site.line == line_of("trainer", "= TrainingArguments(")
    assert arguments.details["optim"] == "adamw_torch_fused"
    (optimizer,) = seen.script.of_kind("optimizer")
    assert not optimizer.direct and optimizer.details["fused"]


def test_lightning(project: Path) -> None:  # noqa: F811
    seen = surveyed(project, "lit", SHORT["lit"])
    assert seen.script.steps == 40 and seen.script.ended
    training = of_training(seen)
    # Lightning puts itself around the constructor of what its hooks make.
    assert training.direct and training.site.line == line_of("lit", "shuffle=True")
    assert (training.batches, seen.script.period) == (80, 10)
    spans = seen.profile.spans
    around = {spans[span.parent].details.get("phase") for span in spans if span.details.get("phase") == "backward"}
    assert around == {None}  # though the optimizer calls what goes forward and backward


def test_accelerate(project: Path) -> None:  # noqa: F811
    seen = surveyed(project, "accelerated", SHORT["accelerated"])
    assert seen.script.steps == 40 and seen.script.ended
    assert len(seen.script.loaders) == 2
    training = of_training(seen)  # The user's own, though Accelerate takes its batches from another.
    assert training.direct and training.site.line == line_of("accelerated", "shuffle=True")
    assert (training.batch_size, training.batches, seen.script.period) == (32, 80, 10)
    checkpoint = next(written for written in seen.script.written if written.kind == "checkpoint")
    assert checkpoint.site.line == line_of("accelerated", "save_state")


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(WROTE))
def test_it_stops_in_the_middle_of_the_library(project: Path, name: str) -> None:  # noqa: F811
    seen = surveyed(project, name)
    assert not seen.script.ended and "trained" not in seen.log


def test_numpy_alone(project: Path) -> None:  # noqa: F811
    seen = survey(project, source("descent").replace("400", "20"))
    assert seen.script.step == "step" and not seen.script.ended and not seen.script.torch
    assert not seen.script.has_losses and not seen.script.loaders
    lines = range(line_of("descent", "scores = images"), line_of("descent", "print(") + 1)
    sampled = [span for span in seen.profile.spans if span.details.get("sampled")]
    assert sampled and {span.details["line"] for span in sampled} <= {*lines, line_of("descent", "with unslow.step")}
    assert seen.profile.shares["compute"] > seen.profile.shares["framework"]  # NumPy's products, not Python
