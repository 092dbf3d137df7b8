"""Serves an ONNX model of scanned digits on one thread, a page of scans a request.

Planted: cores-idle
By hand: the session keeps its default, one thread a core.
"""

import sys
import tempfile
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from sklearn.datasets import load_digits
from torch import nn

FIXED = "--fixed" in sys.argv
ROWS, STEPS = 1_024, 2_000

torch.manual_seed(0)
scans = (load_digits().data / 16).astype(np.float32)
hidden = [layer for _ in range(2) for layer in (nn.Linear(2048, 2048), nn.ReLU())]
model = nn.Sequential(nn.Linear(64, 2048), nn.ReLU(), *hidden, nn.Linear(2048, 10)).eval()
options = onnxruntime.SessionOptions()
if not FIXED:
    options.intra_op_num_threads = 1
with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "digits.onnx"
    torch.onnx.export(
        model, (torch.zeros(2, 64),), path, dynamo=False, input_names=["scans"], dynamic_axes={"scans": {0: "rows"}}
    )
    session = onnxruntime.InferenceSession(path, options)
total = 0
for step in range(STEPS):
    start = step * 64 % (len(scans) - ROWS)
    (scores,) = session.run(None, {"scans": scans[start : start + ROWS]})
    total += int(scores.argmax(axis=1).sum())
print("sum of the digits:", total)
