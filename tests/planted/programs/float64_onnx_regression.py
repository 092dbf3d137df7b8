"""How far diabetes goes within a year: an ONNX model that was exported in double precision, asked 2,048 rows at a time.

Planted: float64-compute
By hand: the model is exported in float32, and its requests are float32.
"""

import tempfile
from pathlib import Path

import numpy as np
import torch
from sklearn.datasets import load_diabetes
from torch import nn

import unslow

FOLDER = tempfile.TemporaryDirectory(prefix="planted-")
ROWS, REQUESTS = 2_048, 32


def exported(dtype: torch.dtype) -> Path:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(10, 512), nn.Tanh(), nn.Linear(512, 512), nn.Tanh(), nn.Linear(512, 1)).to(dtype)
    path = Path(FOLDER.name) / f"{dtype}.onnx"
    names = {"input_names": ["patients"], "output_names": ["progress"], "dynamic_axes": {"patients": {0: "rows"}}}
    torch.onnx.export(model.eval(), (torch.zeros(2, 10, dtype=dtype),), path, dynamo=False, **names)
    return path


def requests(dtype: type) -> list[dict[str, np.ndarray]]:
    patients = load_diabetes().data.astype(dtype)
    random = np.random.default_rng(0)
    return [{"patients": patients[random.integers(0, len(patients), ROWS)]} for _ in range(REQUESTS)]


@unslow.workload
def planted() -> unslow.Inference:
    return unslow.Inference(exported(torch.float64), requests(np.float64))


@unslow.workload
def fixed() -> unslow.Inference:
    return unslow.Inference(exported(torch.float32), requests(np.float32))
