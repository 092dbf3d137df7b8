"""Boosted trees of one split each, asked about one wine at a time, by many.

Planted: tiny-batches
By hand: 32 requests are answered in one call.
"""

import numpy as np
import torch
from sklearn.datasets import load_wine
from sklearn.preprocessing import scale
from torch import Tensor, nn

import unslow

TOGETHER, TREES = 32, 24


class Boosted(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.features = torch.randint(0, 13, (TREES,)).tolist()
        self.splits = torch.randn(TREES).tolist()
        self.below, self.above = (nn.Parameter(torch.randn(TREES, 3), requires_grad=False) for _ in range(2))

    def forward(self, wines: Tensor) -> Tensor:
        scores = wines.new_zeros(len(wines), 3)
        for tree, (feature, split) in enumerate(zip(self.features, self.splits, strict=True)):
            is_below = wines[:, feature, None] < split
            scores = scores + torch.where(is_below, self.below[tree], self.above[tree])
        return torch.softmax(scores, dim=1)


def wines() -> np.ndarray:
    table = scale(load_wine().data).astype(np.float32)
    return table[: len(table) // TOGETHER * TOGETHER]


@unslow.workload
def planted() -> unslow.Inference:
    return unslow.Inference(Boosted().eval(), [wine[None] for wine in wines()])


@unslow.workload
def fixed() -> unslow.Inference:
    return unslow.Inference(Boosted().eval(), list(wines().reshape(-1, TOGETHER, 13)))
