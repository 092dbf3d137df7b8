"""Small models, exported once for the session, since an export takes seconds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from unslow.core.workload import Workload
from unslow.fixes import all_fixes

from . import models
from .workshop import WORKLOAD, FakeWorkshop, answers_of, learned


@dataclass(frozen=True, eq=False)
class Exported:
    """A small model with its requests and answers, and its workload as ONNX Runtime opens it."""

    model: Any
    requests: models.Requests
    answers: list[list[Any]]
    workshop: FakeWorkshop
    onnx: Workload


def _exported(build: Callable[[], tuple[Any, models.Requests]], folder: Any, **facts: Any) -> Exported:
    model, requests = build()
    workshop = FakeWorkshop(folder, learned(model, requests, batch_axis=True, **facts), model, requests)
    onnx = all_fixes()["onnxruntime"].apply(WORKLOAD, {}, workshop)
    return Exported(model, requests, answers_of(model, requests), workshop, onnx)


@pytest.fixture(scope="session")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    return _exported(models.encoder, tmp_path_factory.mktemp("encoder"), padding_mask="mask")


@pytest.fixture(scope="session")
def perceptron(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    return _exported(models.perceptron, tmp_path_factory.mktemp("perceptron"))


@pytest.fixture(scope="session")
def convolutions(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    return _exported(
        models.convolutions,
        tmp_path_factory.mktemp("convolutions"),
        modules={"Conv2d": 2, "BatchNorm2d": 1, "Linear": 1},
    )
