"""An ONNX model of scanned digits in int8, asked with a thousand scans at a time.

Planted: nothing
By hand: nothing is left to remove: int8, large batches, one session.
"""

import tempfile
from pathlib import Path

import numpy as np
import torch
from onnxruntime.quantization import quantize_dynamic
from sklearn.datasets import load_digits
from torch import nn

import unslow

FOLDER = tempfile.TemporaryDirectory(prefix="planted-")
ROWS = 1_024


def exported() -> Path:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(64, 1536), nn.ReLU(), nn.Linear(1536, 1536), nn.ReLU(), nn.Linear(1536, 10))
    path = Path(FOLDER.name) / "digits.onnx"
    names = {"input_names": ["scans"], "output_names": ["scores"], "dynamic_axes": {"scans": {0: "rows"}}}
    torch.onnx.export(model.eval(), (torch.zeros(2, 64),), path, dynamo=False, **names)
    quantize_dynamic(path, path.with_stem("int8"))
    return path.with_stem("int8")


@unslow.workload
def clean() -> unslow.Inference:
    scans = (load_digits().data / 16).astype(np.float32)
    return unslow.Inference(exported(), [{"scans": scans[start : start + ROWS]} for start in range(0, 768, 24)])
