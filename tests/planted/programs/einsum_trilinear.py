"""Scores triples of wine, place and taste with a tensor in factors, a batch of triples a step.

Planted: einsum-unplanned
By hand: the two factors that shrink the numbers are multiplied first.
"""

import sys

import torch
from sklearn.datasets import load_wine
from sklearn.preprocessing import scale

import unslow

FIXED = "--fixed" in sys.argv
BATCH, RANK, STEPS = 64, 128, 4_000

torch.manual_seed(0)
wines = torch.tensor(scale(load_wine().data), dtype=torch.float32)
places, tastes = torch.randn(13, RANK) / RANK, torch.randn(RANK, 256)
head = torch.randn(256, 64) / 256
total = torch.zeros(64)
with torch.inference_mode():
    for step in range(STEPS):
        with unslow.step():
            batch = wines[torch.arange(step, step + BATCH) % len(wines)].expand(64, BATCH, 13)
            if FIXED:
                scores = torch.einsum("abd,do->abo", batch, places @ (tastes @ head))
            else:
                scores = torch.einsum("abd,dr,rt,to->abo", batch, places, tastes, head)
            total += scores.mean(dim=(0, 1))
print("mean score:", float(total.mean() / STEPS))
