"""The calls of models that a script makes: what the survey knows of them, and what habits make of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from unslow import targets
from unslow.core.facts import Facts
from unslow.core.finding import Evidence, Finding
from unslow.core.jsonable import from_json, to_json
from unslow.core.machine import Machine
from unslow.core.script import Noted
from unslow.habits import all_habits
from unslow.processes.base import Conditions
from unslow.processes.local import LocalProcesses
from unslow.read import read
from unslow.targets import Declared

MACHINE = Machine("a processor", 2, 2, 2, None, 8 << 30, ("avx2", "amx_bf16"), (), "Linux", "3.11")
LOOP = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 16, 3), nn.ReLU(), nn.Conv2d(16, 16, 3), nn.Flatten())
        self.head = nn.Linear(16 * 28 * 28, 4)

    def forward(self, images):
        return self.head(self.body(images))

model = Net()
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
images = torch.randn(8, 3, 32, 32)
for n in range(1000):
    loss = model(images).square().mean()
    loss.backward()
    optimizer.step()
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def surveyed(project: Path, source: str) -> Evidence:
    """What a real survey of the script gives."""
    script, out = project / "train.py", project.parent / "survey"
    script.write_text(source)
    out.mkdir()
    target = to_json(targets.locate(str(script), Declared()))
    with LocalProcesses().start(Conditions(out / "log")) as process:
        answer = process.ask("survey", 100.0, target=target, folder=str(out))
    return Evidence(read(Path(answer["recording"])).self_check(), from_json(Facts, answer["facts"]), MACHINE)


def called(project: Path, source: str) -> Noted:
    """The one call of a model in it."""
    known = surveyed(project, source).facts.script
    assert known is not None
    (noted,) = known.of_kind("model")
    return noted


def found(project: Path, name: str, source: str) -> list[Finding]:
    """What one habit finds in it."""
    return list(all_habits()[name].detect(surveyed(project, source)))


def test_the_outermost_model_is_noted_by_its_place(project: Path) -> None:
    noted = called(project, LOOP)
    assert (noted.site.line, noted.site.column, noted.direct) == (18, 11, True)
    assert noted.times_in_steps > 1
    known = noted.details
    assert (known["class"], known["device"], known["returns"], known["shapes"]) == ("Net", "cpu", "float32", 1)
    assert (known["convolutions"], known["images"], known["channels_last"]) == (2, 1, False)
    assert not known["autocast"] and not known["compiled"] and set(known["parameter_bytes"]) == {"float32"}


def test_what_goes_backward_and_what_updates_are_noted(project: Path) -> None:
    source = LOOP.replace("for n in", "torch.optim.lr_scheduler.StepLR(optimizer, 9)\nfor n in").replace(
        "    optimizer.step()", "    nn.utils.clip_grad_norm_(model.parameters(), 1.0)\n    optimizer.step()"
    )
    known = surveyed(project, source).facts.script
    assert known is not None
    for kind, line in (("goes-backward", 20), ("clips", 21), ("updates", 22)):
        (noted,) = known.of_kind(kind)
        assert noted.site.line == line and noted.direct and noted.details.get("arguments", 0) == 0


def test_shapes_that_change_a_layout_and_a_library_that_calls(project: Path) -> None:
    source = LOOP.replace("model(images)", "model(images[: 1 + n % 3].to(memory_format=torch.channels_last))")
    known = called(project, source).details
    assert known["shapes"] == 3 and known["channels_last"]


def test_a_model_whose_weights_are_laid_out_lays_out_what_it_computes(project: Path) -> None:
    """Images of one channel lie the same way in both layouts."""
    source = LOOP.replace("optimizer =", "model.to(memory_format=torch.channels_last)\noptimizer =")
    assert source != LOOP and not found(project, "not-channels-last", source)


def test_autocast_is_on_already(project: Path) -> None:
    loss = "    loss = model(images).square().mean()\n"
    source = LOOP.replace(loss, "    with torch.autocast('cpu', torch.bfloat16):\n    " + loss)
    assert not found(project, "matrix-units-unused", source)


def test_images_in_planes_and_operators_one_by_one(project: Path) -> None:
    evidence = surveyed(project, LOOP)
    for name in ("not-channels-last", "uncompiled-graph", "matrix-units-unused"):
        (finding,) = all_habits()[name].detect(evidence)
        assert finding.site == "train.py:18" and 0.05 < finding.share <= 1
    for name in ("tf32-off", "autotune-off"):  # There is no GPU in it.
        assert not list(all_habits()[name].detect(evidence))
