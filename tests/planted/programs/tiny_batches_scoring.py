"""Scores scanned digits, a page of 64 at a time.

Planted: tiny-batches
By hand: a page goes through the model at once, instead of scan by scan.
"""

import sys

import torch
from sklearn.datasets import load_digits
from torch import nn

import unslow

FIXED = "--fixed" in sys.argv
PAGE, STEPS = 64, 4_000

torch.manual_seed(0)
scans = torch.tensor(load_digits().data / 16, dtype=torch.float32)
model = nn.Sequential(nn.Linear(64, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10)).eval()
total = torch.zeros(10)
with torch.inference_mode():
    for step in range(STEPS):
        with unslow.step():
            start = step * PAGE % (len(scans) - PAGE)
            page = scans[start : start + PAGE]
            if FIXED:
                total += model(page).sum(dim=0)
            else:
                for scan in page.split(1):
                    total += model(scan)[0]
print("sums of the scores:", total.tolist())
