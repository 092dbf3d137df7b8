"""Computes features of scanned digits with wide layers, a large batch of scans a request.

Planted: full-precision-compute
By hand: the layers' weights and inputs are rounded to int8 for their products.
Shows where: int8/float32:matmul below 0.8
"""

import torch
from sklearn.datasets import load_digits
from torch import nn

import unslow

WIDTH, TOGETHER = 1024, 256


def scans() -> list[torch.Tensor]:
    return list(torch.from_numpy(load_digits().data / 16).float().split(TOGETHER))[:-1]


def features() -> nn.Module:
    torch.manual_seed(0)
    wide = [part for _ in range(4) for part in (nn.Linear(WIDTH, WIDTH), nn.ReLU())]
    return nn.Sequential(nn.Linear(64, WIDTH), nn.ReLU(), *wide).eval().requires_grad_(False)


@unslow.workload
def planted() -> unslow.Inference:
    return unslow.Inference(features(), scans())


@unslow.workload
def fixed() -> unslow.Inference:
    rounded = torch.ao.quantization.quantize_dynamic(features(), {nn.Linear}, torch.qint8)
    return unslow.Inference(rounded, scans())
