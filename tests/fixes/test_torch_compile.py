"""The fix `torch-compile`."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from unslow.core.facts import Leaf
from unslow.fixes.torch_compile import FIX

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
