"""Answers requests for the sort of some wines with an ONNX model.

Planted: model-reloaded-per-call
By hand: one session is opened before the loop, and kept.
"""

import sys
import tempfile
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from sklearn.datasets import load_wine
from sklearn.preprocessing import scale
from torch import nn

FIXED = "--fixed" in sys.argv
ROWS, STEPS = 512, 3_000

torch.manual_seed(0)
wines = scale(load_wine().data).astype(np.float32)
random = np.random.default_rng(0)
model = nn.Sequential(nn.Linear(13, 768), nn.ReLU(), nn.Linear(768, 768), nn.ReLU(), nn.Linear(768, 3)).eval()
with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "wine.onnx"
    torch.onnx.export(
        model, (torch.zeros(2, 13),), path, dynamo=False, input_names=["wines"], dynamic_axes={"wines": {0: "rows"}}
    )
    session = onnxruntime.InferenceSession(path)
    total = 0
    for _ in range(STEPS):
        if not FIXED:
            session = onnxruntime.InferenceSession(path)
        (scores,) = session.run(None, {"wines": wines[random.integers(0, len(wines), ROWS)]})
        total += int(scores.argmax(axis=1).sum())
print("sum of the sorts:", total)
