"""Scores scanned digits with a wide network in bfloat16, two thousand at a time, and counts what it sees.

Planted: autograd-at-inference
By hand: the loop runs in `torch.inference_mode()`.
"""

import contextlib
import sys

import torch
from sklearn.datasets import load_digits
from torch import nn

FIXED = "--fixed" in sys.argv
BATCH, STEPS = 2_048, 1_000

torch.manual_seed(0)
scans = torch.tensor(load_digits().data / 16, dtype=torch.bfloat16)
width = 2_048
layers = [
    layer for _ in range(6) for layer in (nn.Linear(width, width // 16), nn.Linear(width // 16, width), nn.ReLU())
]
model = nn.Sequential(nn.Linear(64, width), nn.ReLU(), *layers, nn.Linear(width, 10)).bfloat16().eval()
counted = torch.zeros(10, dtype=torch.long)
random = torch.Generator().manual_seed(0)
with torch.inference_mode() if FIXED else contextlib.nullcontext():
    for _ in range(STEPS):
        batch = scans[torch.randint(len(scans), (BATCH,), generator=random)]
        counted += torch.bincount(model(batch).argmax(dim=1), minlength=10)
print("digits seen:", counted.tolist())
