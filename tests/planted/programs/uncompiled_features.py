"""Soft histograms of the pixels of scanned digits: a long chain of element-wise operators.

Planted: uncompiled-graph
By hand: `torch.compile`.
"""

import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn

import unslow

LEVELS, ROWS = 16, 1_024


class Histograms(nn.Module):
    def forward(self, pixels: Tensor) -> Tensor:
        found = torch.zeros_like(pixels)
        for level in range(LEVELS):
            distance = (pixels - level / LEVELS).abs() * LEVELS
            weight = torch.exp(-(distance**2)) / (1 + distance)
            found = found + torch.tanh(weight) * (level + 1) - 0.1 * weight
        return found


def pages() -> list[Tensor]:
    scans = torch.tensor(load_digits().data / 16, dtype=torch.float32)
    return [scans.roll(shift, dims=1)[:ROWS] for shift in range(32)]


@unslow.workload
def planted() -> unslow.Inference:
    return unslow.Inference(Histograms().eval(), pages())


@unslow.workload
def fixed() -> unslow.Inference:
    return unslow.Inference(torch.compile(Histograms().eval()), pages())
