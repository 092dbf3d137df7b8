"""Fixes on top of one another, opened by their runtimes as a trial opens them."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from unslow.core.calls import Request, leaves_of, to_numpy
from unslow.core.workload import Workload
from unslow.fixes import all_fixes
from unslow.runtimes import open_model

from . import models
from .conftest import Exported
from .workshop import EIGHT_BITS, WHOLE_RANGE, WORKLOAD, FakeWorkshop, largest_error, learned

ROUNDING, SIXTEEN_BITS = 1e-5, 0.05


def applied(chain: Sequence[str], workshop: FakeWorkshop, workload: Workload = WORKLOAD) -> Workload:
    fixes = all_fixes()
    for name in chain:
        assert workload.model.runtime in fixes[name].runtimes
        workload = fixes[name].apply(workload, {}, workshop)
        assert workload.model.runtime == (fixes[name].gives or workload.model.runtime)
    return workload


def answered(workload: Workload, exported: Exported) -> list[list[Any]]:
    live = None if workload.model.path else importlib.import_module("copy").deepcopy(exported.model)
    call = open_model(workload.model, workload.host, live)
    return [[to_numpy(leaf) for leaf in leaves_of(call(Request(kwargs=request)))] for request in exported.requests]


@pytest.mark.parametrize(
    ("chain", "most"),
    [
        (("inference-mode",), 0.0),
        (("inference-mode", "bfloat16"), SIXTEEN_BITS),
        (("inference-mode", "float16"), SIXTEEN_BITS),
        (("float32", "onnxruntime", "int8-dynamic"), WHOLE_RANGE),
        (("onnxruntime",), ROUNDING),
        (("onnxruntime", "int8-dynamic"), WHOLE_RANGE),
        (("onnxruntime", "weight-only-int8"), EIGHT_BITS),
        (("openvino",), ROUNDING),
        (("openvino", "bfloat16"), SIXTEEN_BITS),
        (("openvino", "weight-only-int8"), EIGHT_BITS),
    ],
    ids=lambda value: " + ".join(value) if isinstance(value, tuple) else "",
)  # fmt: skip
def test_a_chain_answers_in_the_structure_and_types_of_the_original(
    encoder: Exported, chain: Sequence[str], most: float
) -> None:
    answers = answered(applied(chain, encoder.workshop), encoder)
    assert largest_error(encoder.answers, answers) <= most
    assert {leaf.dtype for answer in answers for leaf in answer} == {np.dtype("float32")}


def test_channels_last_answers_as_before(convolutions: Exported) -> None:
    answers = answered(applied(("inference-mode", "channels-last"), convolutions.workshop), convolutions)
    assert largest_error(convolutions.answers, answers) < ROUNDING


def test_a_float64_model_keeps_its_types_on_each_runtime(tmp_path: Path) -> None:
    torch: Any = importlib.import_module("torch")
    torch.manual_seed(0)
    model = torch.nn.Linear(64, 4).double().eval()
    requests: models.Requests = [{"input": np.random.default_rng(0).standard_normal((1, 64))}]
    facts = replace(learned(model, requests), parameter_bytes={"float64": 2048})
    workshop = FakeWorkshop(tmp_path, facts, model, requests)
    given = Exported(
        model, requests, [[model(torch.from_numpy(requests[0]["input"])).detach().numpy()]], workshop, WORKLOAD
    )
    for chain in (("float32",), ("float32", "onnxruntime"), ("float32", "openvino")):
        answers = answered(applied(chain, workshop), given)
        assert answers[0][0].dtype == np.float64
        assert 0 < largest_error(given.answers, answers) < ROUNDING
