"""The fix `torch-compile`."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from handmade import loader, model
from unslow.core.facts import Leaf
from unslow.core.script import Noted
from unslow.fixes.torch_compile import FIX, warm_steps

from . import scripted
from .workshop import FACTS, WORKLOAD, FakeWorkshop, on, setting

SAME = replace(FACTS, inputs=(Leaf("x", "float32", (((1, 8), 5),)),))
VARYING = replace(FACTS, inputs=(Leaf("x", "float32", (((1, 8), 3), ((1, 9), 2))),))


def test_refuses_what_is_compiled() -> None:
    assert "already" in FIX.refuses(setting(on("torch-module", compile={"mode": None})))


def test_refuses_without_a_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert "compiler" in FIX.refuses(setting())


def test_one_shape_is_compiled_for_that_shape() -> None:
    assert all(parameters["dynamic"] is None for parameters in FIX.space(setting(facts=SAME)))


def test_varying_shapes_are_compiled_once_for_all(tmp_path: Path) -> None:
    assert all(parameters["dynamic"] is True for parameters in FIX.space(setting(facts=VARYING)))
    after = FIX.apply(WORKLOAD, {}, FakeWorkshop(tmp_path, VARYING))
    assert after.model.settings["compile"] == {"mode": None, "dynamic": True, "freezing": True}


def test_the_settings_are_the_parameters(tmp_path: Path) -> None:
    parameters = FIX.space(setting(facts=SAME))[2]
    after = FIX.apply(WORKLOAD, parameters, FakeWorkshop(tmp_path, SAME))
    assert after.model.settings == {"compile": dict(parameters), "inference_mode": True}
    assert WORKLOAD.model.settings == {}


SCRIPT = """
import torch

torch.manual_seed(0)
torch.set_num_threads(1)
net = torch.nn.Sequential(torch.nn.Linear(8, 8), torch.nn.GELU(), torch.nn.Linear(8, 1))
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
for n in range(3):
    rows = torch.ones(4 if n < 2 else 3, 8)
    loss = (net(rows) - n).square().mean()
    loss.backward()
    optimizer.step()
from torch._dynamo.utils import counters
print(counters["stats"]["unique_graphs"], list(net.state_dict())[0], type(net).__name__, round(loss.item(), 4))
"""


class TestOfAScript:
    @pytest.mark.parametrize(
        ("called", "says"),
        [
            (model(direct=False), "own source"),
            (model(compiled=True), "compiled already"),
            (model(shapes=3), "keep changing"),
        ],
    )
    def test_calls_that_are_left(self, called: Noted, says: str) -> None:
        assert says in FIX.refuses(scripted.setting(noted=(called,)))

    def test_it_is_steady_after_its_first_steps(self, tmp_path: Path) -> None:
        known = scripted.setting(loader(), noted=(model(),), period=8)
        (parameters,) = FIX.space(known)
        after = FIX.apply(scripted.WORKLOAD, parameters, FakeWorkshop(tmp_path, known.facts))
        assert after.model.settings["warm_steps"] == 3 and len(after.model.settings["changes"]) == 1

    def test_a_smaller_last_batch_is_compiled_too_before_anything_is_timed(self) -> None:
        assert warm_steps(scripted.setting(loader(items=130), noted=(model(),), period=9).facts) == 12
        assert warm_steps(scripted.setting(loader(items=130), noted=(model(),), period=9000).facts) == 3
        assert warm_steps(scripted.setting(noted=(model(shapes=2),), period=9).facts) == 12

    @pytest.mark.slow
    def test_the_run_time_form_and_the_edit_come_to_the_same(self, tmp_path: Path) -> None:
        parameters = {"calls": [{"site": scripted.site_of(SCRIPT, "net(rows)")}]}
        text, line = scripted.both(tmp_path, SCRIPT, FIX, parameters)
        assert line.startswith("2 0.weight Sequential") and "(compiled(net)(rows) - n)" in text
