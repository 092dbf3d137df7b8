"""How far diabetes goes within a year: an ONNX model that was exported in double precision, asked 2,048 rows at a time.

Planted: float64-compute
By hand: the model is exported in float32, and casts what it is asked with.
"""

import tempfile
from pathlib import Path

import numpy as np
import torch
from sklearn.datasets import load_diabetes
from torch import Tensor, nn

import unslow

FOLDER = tempfile.TemporaryDirectory(prefix="planted-")
ROWS, REQUESTS = 2_048, 32


class Regression(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layers = nn.Sequential(nn.Linear(10, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 1))

    def forward(self, patients: Tensor) -> Tensor:
        return self.layers(patients.to(self.layers[0].weight.dtype))


def exported(dtype: torch.dtype) -> Path:
    path = Path(FOLDER.name) / f"{dtype}.onnx"
    names = {"input_names": ["patients"], "output_names": ["progress"], "dynamic_axes": {"patients": {0: "rows"}}}
    example = (torch.zeros(2, 10, dtype=torch.float64),)
    torch.onnx.export(Regression().to(dtype).eval(), example, path, dynamo=False, **names)
    return path


def requests() -> list[dict[str, np.ndarray]]:
    patients = load_diabetes().data
    random = np.random.default_rng(0)
    return [{"patients": patients[random.integers(0, len(patients), ROWS)]} for _ in range(REQUESTS)]


@unslow.workload
def planted() -> unslow.Inference:
    return unslow.Inference(exported(torch.float64), requests())


@unslow.workload
def fixed() -> unslow.Inference:
    return unslow.Inference(exported(torch.float32), requests())
