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
PADDED = """
import torch
from torch import nn

class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.table, self.head = nn.Embedding(10, 64), nn.Linear(64, 64)
    def forward(self, ids, attention_mask):
        return (self.head(self.table(ids)) * attention_mask[..., None]).sum(1)

model, mask = Encoder(), torch.tensor([[1] * 6 + [0] * 2, [1] * 2 + [0] * 6])
while True:
    model(ids=torch.ones(2, 8, dtype=torch.long), attention_mask=mask)
"""


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


class TestAutograd:
    def test_one_that_is_called_without(self, tmp_path: Path) -> None:
        known = seen(tmp_path, MODEL + "torch.set_grad_enabled(False)\nmodel.eval()\n" + LOOP)
        assert known.of_kind("forward") and not known.found("autograd-at-inference")
        assert not known.found("train-mode-at-inference")

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
        (finding,) = known.found("train-mode-at-inference")
        assert finding.site == "train.py:11" and finding.title.startswith("1 of Sequential is still in training mode")


class TestBatches:
    def test_one_row_at_a_time(self, tmp_path: Path) -> None:
        known = seen(tmp_path, MODEL + "while True:\n    model(torch.randn(1, 4))\n")
        (finding,) = known.found("tiny-batches")
        assert finding.site == "train.py:9" and finding.evidence["rows_per_call"] == 1

    def test_padding_that_a_mask_switches_off(self, tmp_path: Path) -> None:
        known = seen(tmp_path, PADDED)
        (call,) = known.of_kind("forward")
        assert call.details["masked"] / call.details["mask_size"] == pytest.approx(0.5)
        (finding,) = known.found("padding-waste")
        assert finding.site == "train.py:14" and finding.evidence["padding_share"] == pytest.approx(0.5)
        assert finding.evidence["cut_share"] == pytest.approx(0.25)


SERVED = """
import tempfile, numpy, onnxruntime, torch
from pathlib import Path
from torch import nn

path = Path(tempfile.mkdtemp()) / "model.onnx"
torch.onnx.export(nn.Linear(4, 4).eval(), (torch.zeros(1, 4),), path, dynamo=False, input_names=["x"])
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 3
session = onnxruntime.InferenceSession(path, options)
for _ in range(1_000_000):
    session.run(None, {"x": numpy.zeros((1, 4), dtype=numpy.float32)})
"""


def test_a_model_that_is_called_to_export_it_is_not_what_is_served(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    known = seen(tmp_path, SERVED)
    assert known.script.step == "request"
    assert ("onnxruntime", 3) in [(pool.name, pool.threads) for pool in known.facts.thread_pools]
