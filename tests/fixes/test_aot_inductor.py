"""The fix `aot-inductor`."""

from __future__ import annotations

import importlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from unslow.core.facts import Leaf
from unslow.fixes import _settings
from unslow.fixes._export import free_axes, required_axes
from unslow.fixes.aot_inductor import FIX

from . import models
from .workshop import FACTS, WORKLOAD, FakeWorkshop, answers_of, largest_error, learned, on, setting

ROUNDING = 1e-5
SAME = replace(FACTS, inputs=(Leaf("x", "float32", (((1, 8), 5),)),), batch_axis=True)


def test_refuses_what_is_compiled_and_what_cannot_be_exported() -> None:
    assert "already" in FIX.refuses(setting(on("torch-module", compile={"mode": None}), SAME))
    assert "flat" in FIX.refuses(setting(facts=replace(SAME, flat_inputs=False)))


def test_refuses_without_a_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_settings.shutil, "which", lambda name: None)
    assert "compiler" in FIX.refuses(setting(facts=SAME))


def test_the_batch_is_free_only_where_requests_may_be_joined() -> None:
    assert not FIX.space(setting(facts=SAME))[0]["free_batch"]
    assert FIX.space(setting(facts=SAME, objective="throughput"))[0]["free_batch"]
    assert not FIX.space(setting(facts=replace(SAME, batch_axis=False), objective="throughput"))[0]["free_batch"]


def test_axes_that_vary_are_always_free() -> None:
    facts = replace(SAME, inputs=(Leaf("x", "float32", (((1, 8), 3), ((1, 9), 2))),))
    assert (required_axes(facts), free_axes(facts)) == ({"x": (1,)}, {"x": (0, 1)})


@pytest.mark.slow
def test_the_package_answers_as_the_model_alone_and_joined(tmp_path: Path) -> None:
    torch: Any = importlib.import_module("torch")
    model, requests = models.perceptron()
    workshop = FakeWorkshop(tmp_path, learned(model, requests, batch_axis=True), model, requests)
    after = FIX.apply(WORKLOAD, {"free_batch": True}, workshop)
    assert (after.model.runtime, Path(after.model.path).suffix) == ("aot-inductor", ".pt2")
    package = torch._inductor.aoti_load_package(after.model.path)
    with torch.inference_mode():
        alone = [[package(torch.from_numpy(request["input"]))[0].numpy()] for request in requests]
        joined = package(torch.from_numpy(np.concatenate([request["input"] for request in requests])))[0].numpy()
    assert largest_error(answers_of(model, requests), alone) < ROUNDING
    assert largest_error([[np.concatenate([answer[0] for answer in alone])]], [[joined]]) < ROUNDING
