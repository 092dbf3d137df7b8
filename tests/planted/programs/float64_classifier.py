"""A classifier of scanned digits, asked with whole pages of them at a time.

Planted: float64-compute
By hand: weights and inputs are float32; the scaled table of scans was float64, and the model was made to fit it.
"""

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn

import unslow


def pages(dtype: type) -> list[np.ndarray]:
    scans = (load_digits().data / 16).astype(dtype)
    return [np.roll(scans, shift, axis=1)[:512] for shift in range(32)]


def classifier() -> nn.Module:
    torch.manual_seed(0)
    layers = nn.Sequential(nn.Linear(64, 1024), nn.ReLU(), nn.Linear(1024, 1024), nn.ReLU(), nn.Linear(1024, 10))
    return layers.eval().requires_grad_(False)


@unslow.workload
def planted() -> unslow.Inference:
    return unslow.Inference(classifier().double(), pages(np.float64))


@unslow.workload
def fixed() -> unslow.Inference:
    return unslow.Inference(classifier(), pages(np.float32))
