"""Scores scanned digits with a deep network, two thousand at a time, and counts what it sees.

Planted: autograd-at-inference
By hand: the loop runs in `torch.inference_mode()`.
"""

import contextlib
import sys

import torch
from sklearn.datasets import load_digits
from torch import nn

FIXED = "--fixed" in sys.argv
BATCH, DEPTH, STEPS = 2_048, 30, 1_000

torch.manual_seed(0)
scans = torch.tensor(load_digits().data / 16, dtype=torch.float32)
layers = [layer for _ in range(DEPTH) for layer in (nn.Linear(64, 64), nn.LayerNorm(64), nn.Tanh())]
model = nn.Sequential(*layers, nn.Linear(64, 10)).eval()
counted = torch.zeros(10, dtype=torch.long)
random = torch.Generator().manual_seed(0)
with torch.inference_mode() if FIXED else contextlib.nullcontext():
    for _ in range(STEPS):
        batch = scans[torch.randint(len(scans), (BATCH,), generator=random)]
        counted += torch.bincount(model(batch).argmax(dim=1), minlength=10)
print("digits seen:", counted.tolist())
