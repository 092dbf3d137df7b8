"""Scores scanned digits in bfloat16 on sixteen threads, as on the machine that it was written for.

Planted: threads-oversubscribed
By hand: `set_num_threads` is left out: PyTorch takes as many threads as there are cores.
"""

import sys

import torch
from sklearn.datasets import load_digits
from torch import nn

FIXED = "--fixed" in sys.argv
BATCH, STEPS = 512, 4_000

if not FIXED:
    torch.set_num_threads(16)
torch.manual_seed(0)
scans = torch.tensor(load_digits().data / 16, dtype=torch.bfloat16)
model = nn.Sequential(nn.Linear(64, 1024), nn.ReLU(), nn.Linear(1024, 1024), nn.ReLU(), nn.Linear(1024, 10))
model.bfloat16().eval()
total = torch.zeros(10)
with torch.inference_mode():
    for step in range(STEPS):
        start = step * 64 % (len(scans) - BATCH)
        total += model(scans[start : start + BATCH]).sum(dim=0)
print("sums of the scores:", total.tolist())
