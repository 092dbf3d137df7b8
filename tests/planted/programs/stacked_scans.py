"""Scores scans that come one by one from a queue: a thousand arrays are made one tensor.

Planted: arrays-stacked-slowly
By hand: `numpy.stack` first, then one tensor of that array.
"""

import sys

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn

FIXED = "--fixed" in sys.argv
BATCH = 1_024
STEPS = 30_000 if FIXED else 3_000  # About a minute of each.

torch.manual_seed(0)
queue = list((load_digits().data / 16).astype(np.float32))
model = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10)).eval()
total = torch.zeros(10)
with torch.inference_mode():
    for step in range(STEPS):
        start = step * BATCH % (len(queue) - BATCH)
        arrays = queue[start : start + BATCH]
        batch = torch.from_numpy(np.stack(arrays)) if FIXED else torch.tensor(arrays)
        total += model(batch).sum(dim=0)
print("sums of the scores:", total.tolist())
