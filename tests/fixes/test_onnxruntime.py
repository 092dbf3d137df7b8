"""The fix `onnxruntime`, and the export that other fixes share."""

from __future__ import annotations

import importlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from unslow.core.errors import BadInput
from unslow.core.facts import Leaf
from unslow.fixes._export import free_axes
from unslow.fixes._onnx import output_names
from unslow.fixes.onnxruntime import FIX

from . import models
from .conftest import Exported
from .workshop import (
    FACTS,
    WORKLOAD,
    FakeWorkshop,
    answers_of,
    largest_error,
    learned,
    on,
    onnx_answers,
    operators,
    setting,
)

ROUNDING = 1e-5


def test_refuses_half_precision_and_nested_inputs() -> None:
    facts = replace(FACTS, inputs=(Leaf("x", "float32", (((1, 8), 5),)),))
    assert "bfloat16" in FIX.refuses(setting(on("torch-module", autocast="bfloat16"), facts))
    assert "flat" in FIX.refuses(setting(facts=replace(facts, flat_inputs=False)))
    assert FIX.refuses(setting(facts=facts)) == ""


def test_refuses_what_is_no_module(tmp_path: Path) -> None:
    facts = replace(FACTS, inputs=(Leaf("x", "float32", (((1, 8), 1),)),))
    with pytest.raises(BadInput, match="function"):
        FIX.apply(WORKLOAD, {}, FakeWorkshop(tmp_path, facts, lambda x: x, [{"x": np.zeros((1, 8), np.float32)}]))


def test_an_onnx_model_keeps_its_file(tmp_path: Path) -> None:
    before = on("onnxruntime", "/models/model.onnx", graph_level="all")
    workshop = FakeWorkshop(tmp_path)
    assert FIX.apply(before, {"graph_level": "all"}, workshop) is before
    after = FIX.apply(before, {"spinning": False}, workshop)
    assert (after.model.path, after.model.settings) == ("/models/model.onnx", {"graph_level": "all", "spinning": False})
    assert workshop.made == {}


def test_options_that_are_set_are_not_tried() -> None:
    tried = FIX.space(setting(on("onnxruntime", "model.onnx", spinning=False)))
    assert {"spinning": False} not in tried and {"graph_level": "all"} not in tried


def test_only_axes_that_must_be_free_are_free() -> None:
    ids = Leaf("ids", "int64", (((1, 16), 3),))
    mask = Leaf("mask", "int64", (((1, 16), 3),))
    scale = Leaf("scale", "float32", (((), 3),))
    fixed = replace(FACTS, inputs=(ids, mask, scale))
    assert free_axes(fixed) == {"ids": (), "mask": (), "scale": ()}
    assert free_axes(replace(fixed, padding_mask="mask", batch_axis=True)) == {
        "ids": (0, 1),
        "mask": (0, 1),
        "scale": (),
    }


def test_an_output_gets_a_name_of_its_own() -> None:
    leaf = Leaf("state", "float32", (((1, 4), 1),))
    assert output_names(replace(FACTS, inputs=(leaf,), outputs=(leaf,))) == ["state_out"]


def test_the_export_answers_as_the_model_at_all_lengths(encoder: Exported) -> None:
    assert largest_error(encoder.answers, onnx_answers(encoder.onnx.model.path, encoder.requests)) < ROUNDING
    assert encoder.onnx.model.settings["inputs"] == ["ids", "mask"]
    assert encoder.onnx.model.settings["structure"]["keys"] == ["logits", "hidden"]


def test_the_export_takes_joined_requests(perceptron: Exported) -> None:
    joined = {"input": np.concatenate([request["input"] for request in perceptron.requests])}
    (together,) = onnx_answers(perceptron.onnx.model.path, [joined])
    apart = np.concatenate([answer[0] for answer in perceptron.answers])
    assert largest_error([[apart]], [together]) < ROUNDING


def test_the_export_is_made_once_and_holds_no_paths_of_sources(convolutions: Exported) -> None:
    FIX.apply(WORKLOAD, {"spinning": False}, convolutions.workshop)
    assert convolutions.workshop.made["onnx"] == 1
    assert b"site-packages" not in Path(convolutions.onnx.model.path).read_bytes()
    assert (
        largest_error(convolutions.answers, onnx_answers(convolutions.onnx.model.path, convolutions.requests))
        < ROUNDING
    )


def test_a_model_in_training_mode_is_exported_in_evaluation_mode_and_left_as_it_was(tmp_path: Path) -> None:
    torch: Any = importlib.import_module("torch")
    model = torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.Dropout(0.9)).train()
    requests: models.Requests = [{"input": np.ones((1, 4), np.float32)}]
    workshop = FakeWorkshop(tmp_path, learned(model, requests), model, requests)
    after = FIX.apply(WORKLOAD, {"exporter": "trace"}, workshop)
    assert model.training and model[1].training
    assert largest_error(answers_of(model, requests), onnx_answers(after.model.path, requests)) < ROUNDING


def test_a_model_that_only_the_older_exporter_takes(tmp_path: Path) -> None:
    torch: Any = importlib.import_module("torch")

    class Counts(torch.nn.Module):
        """Looks at its values as Python does, which `torch.export` refuses and tracing freezes."""

        def forward(self, x: Any) -> Any:
            return x * 2 if float(x.sum()) > 0 else x

    requests: models.Requests = [{"x": np.ones((1, 4), np.float32)}]
    model = Counts().eval()
    workshop = FakeWorkshop(tmp_path, learned(model, requests), model, requests)
    after = FIX.apply(WORKLOAD, {}, workshop)
    assert largest_error(answers_of(model, requests), onnx_answers(after.model.path, requests)) == 0


def test_a_float64_model_computes_in_the_type_that_a_fix_chose_and_answers_in_its_own(tmp_path: Path) -> None:
    torch: Any = importlib.import_module("torch")
    torch.manual_seed(0)
    model = torch.nn.Linear(64, 4).double().eval()
    requests: models.Requests = [{"input": np.random.default_rng(0).standard_normal((1, 64))}]
    workshop = FakeWorkshop(tmp_path, learned(model, requests), model, requests)
    after = FIX.apply(on("torch-module", dtype="float32"), {"exporter": "trace"}, workshop)
    assert operators(after.model.path)["Cast"] == 2
    answers = onnx_answers(after.model.path, requests)
    assert answers[0][0].dtype == np.float64 and model.weight.dtype == torch.float64
    assert 0 < largest_error(answers_of(model, requests), answers) < ROUNDING


@pytest.mark.parametrize("by_name", [False, True])
def test_an_exported_program_is_written_as_onnx(tmp_path: Path, by_name: bool) -> None:
    torch: Any = importlib.import_module("torch")
    model, requests = models.perceptron()
    tensor = torch.from_numpy(requests[0]["input"])
    program = torch.export.export(model, () if by_name else (tensor,), {"input": tensor} if by_name else {})
    torch.export.save(program, str(tmp_path / "model.pt2"))
    workshop = FakeWorkshop(tmp_path, learned(model, requests), tmp_path / "model.pt2", requests)
    after = FIX.apply(on("exported-program", str(tmp_path / "model.pt2")), {}, workshop)
    assert largest_error(answers_of(model, requests), onnx_answers(after.model.path, requests)) < ROUNDING
