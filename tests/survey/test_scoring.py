"""Scripts that call a model and train nothing: what the survey notes of the calls, and what the habits make of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from surveyed import seen

MODEL = """
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
model = nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.1), nn.Linear(4, 1))
"""
LOOP = """
for _ in range(1000):
    for (x,) in DataLoader(TensorDataset(torch.randn(64, 4)), batch_size=8):
        out = model(x)
"""


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


class TestAutograd:
    def test_one_that_is_called_without(self, tmp_path: Path) -> None:
        known = seen(tmp_path, MODEL + "torch.set_grad_enabled(False)\n" + LOOP)
        assert known.of_kind("forward") and not known.found("autograd-at-inference")

    def test_gradients_of_the_inputs_are_asked_for(self, tmp_path: Path) -> None:
        saliency = LOOP.replace("out = model(x)", "torch.autograd.grad(model(x.requires_grad_()).sum(), x)")
        known = seen(tmp_path, MODEL + saliency)
        assert known.of_kind("gradient") and not known.found("autograd-at-inference")

    def test_a_model_that_is_called_with_autograd_on(self, tmp_path: Path) -> None:
        known = seen(tmp_path, MODEL + LOOP)
        (call,) = known.of_kind("forward")
        assert call.direct and call.details["with_graph"] == call.times and call.details["rows"] == 8 * call.times
        assert call.details["shapes"] == [[8, 4]] and call.details["training"] == ["1"]
        (finding,) = known.found("autograd-at-inference")
        assert finding.site == "train.py:11"
