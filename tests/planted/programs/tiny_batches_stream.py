"""A classifier of wines that is asked about one wine at a time, by many.

Planted: tiny-batches
By hand: 32 requests are answered in one call.
"""

import numpy as np
import torch
from sklearn.datasets import load_wine
from sklearn.preprocessing import scale
from torch import nn

import unslow

TOGETHER = 32


def wines() -> np.ndarray:
    table = scale(load_wine().data).astype(np.float32)
    return table[: len(table) // TOGETHER * TOGETHER]


def classifier() -> nn.Module:
    torch.manual_seed(0)
    layers = nn.Sequential(nn.Linear(13, 256), *(nn.Linear(256, 256), nn.ReLU()) * 8, nn.Linear(256, 3))
    return layers.eval().requires_grad_(False)


@unslow.workload
def planted() -> unslow.Inference:
    return unslow.Inference(classifier(), [wine[None] for wine in wines()])


@unslow.workload
def fixed() -> unslow.Inference:
    return unslow.Inference(classifier(), list(wines().reshape(-1, TOGETHER, 13)))
