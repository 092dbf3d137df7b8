"""Scores scanned digits and keeps the scores: each batch's are saved to a file of their own.

Planted: io-in-the-loop
By hand: the scores of many batches are gathered and saved together.
"""

import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn

FIXED = "--fixed" in sys.argv
BATCH, STEPS, TOGETHER = 512, 4_000, 500

torch.manual_seed(0)
scans = torch.tensor(load_digits().data / 16, dtype=torch.float32)
model = nn.Sequential(nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 10)).eval()
gathered: list[np.ndarray] = []
with tempfile.TemporaryDirectory() as folder, torch.inference_mode():
    for step in range(STEPS):
        start = step * 64 % (len(scans) - BATCH)
        scores = model(scans[start : start + BATCH]).numpy()
        if FIXED:
            gathered.append(scores)
            if len(gathered) == TOGETHER:
                np.savez(Path(folder) / f"scores-{step // TOGETHER}.npz", np.concatenate(gathered))
                gathered.clear()
        else:
            np.savez_compressed(Path(folder) / f"scores-{step % 100}.npz", scores)
print("batches:", STEPS)
