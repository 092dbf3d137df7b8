"""Scores scanned digits in a container that grants one core, with the threads of the machine that it was tuned on.

Planted: cpu-quota-ignored
By hand: one thread.
Quota: 1 core
Shows where: right/oversubscribed:matmul below 0.8
"""

import sys

import torch
from sklearn.datasets import load_digits
from torch import nn

SHORT = torch.bfloat16 if torch.ops.mkldnn._is_mkldnn_bf16_supported() else torch.float32  # What the processor has.

FIXED = "--fixed" in sys.argv
BATCH, STEPS = 512, 4_000

torch.set_num_threads(1 if FIXED else 8)
torch.manual_seed(0)
scans = torch.tensor(load_digits().data / 16, dtype=SHORT)
model = nn.Sequential(nn.Linear(64, 1024), nn.ReLU(), nn.Linear(1024, 1024), nn.ReLU(), nn.Linear(1024, 10))
model.to(SHORT).eval()
total = torch.zeros(10)
with torch.inference_mode():
    for step in range(STEPS):
        start = step * 64 % (len(scans) - BATCH)
        total += model(scans[start : start + BATCH]).sum(dim=0)
print("sums of the scores:", total.tolist())
