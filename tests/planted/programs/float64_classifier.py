"""A classifier of scanned digits, asked with whole pages of them at a time.

Planted: float64-compute
By hand: the weights are float32, and a page is cast when it comes; the table of scans is float64, and the model was
made to fit it.
"""

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn

import unslow


class Classifier(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layers = nn.Sequential(
            nn.Linear(64, 1024), nn.ReLU(), nn.Linear(1024, 1024), nn.ReLU(), nn.Linear(1024, 10)
        )

    def forward(self, page: Tensor) -> Tensor:
        return self.layers(page.to(self.layers[0].weight.dtype))


def pages() -> list[np.ndarray]:
    scans = load_digits().data / 16
    return [np.roll(scans, shift, axis=1)[:512] for shift in range(32)]


def classifier() -> nn.Module:
    return Classifier().eval().requires_grad_(False)


@unslow.workload
def planted() -> unslow.Inference:
    return unslow.Inference(classifier().double(), pages())


@unslow.workload
def fixed() -> unslow.Inference:
    return unslow.Inference(classifier(), pages())
