"""Serves an ONNX model of diabetes on sixteen threads, a few hundred patients a request.

Planted: threads-oversubscribed
By hand: the session keeps its default, one thread a core.
"""

import sys
import tempfile
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from sklearn.datasets import load_diabetes
from torch import nn

FIXED = "--fixed" in sys.argv
ROWS, STEPS = 384, 6_000

torch.manual_seed(0)
patients = load_diabetes().data.astype(np.float32)
random = np.random.default_rng(0)
hidden = [layer for _ in range(4) for layer in (nn.Linear(768, 768), nn.ReLU())]
model = nn.Sequential(nn.Linear(10, 768), nn.ReLU(), *hidden, nn.Linear(768, 1)).eval()
options = onnxruntime.SessionOptions()
if not FIXED:
    options.intra_op_num_threads = 16
with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "diabetes.onnx"
    torch.onnx.export(
        model, (torch.zeros(2, 10),), path, dynamo=False, input_names=["rows"], dynamic_axes={"rows": {0: "count"}}
    )
    session = onnxruntime.InferenceSession(path, options)
total = 0.0
for _ in range(STEPS):
    (progress,) = session.run(None, {"rows": patients[random.integers(0, len(patients), ROWS)]})
    total += float(progress.mean())
print("mean progress:", total / STEPS)
