"""Describes scanned digits by 256 features each, and keeps them: each batch's go to a file of their own.

Planted: io-in-the-loop
By hand: the features of twenty batches are gathered, and written together without compressing them.
"""

import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn

FIXED = "--fixed" in sys.argv
BATCH, STEPS, TOGETHER = 512, 2_000, 20

torch.manual_seed(0)
scans = torch.tensor(load_digits().data / 16, dtype=torch.float32)
model = nn.Sequential(nn.Linear(64, 512), nn.ReLU(), nn.Linear(512, 256)).eval()
gathered: list[np.ndarray] = []
with tempfile.TemporaryDirectory() as folder, torch.inference_mode():
    for step in range(STEPS):
        start = step * 64 % (len(scans) - BATCH)
        features = model(scans[start : start + BATCH]).numpy()
        if FIXED:
            gathered.append(features)
            if len(gathered) == TOGETHER:
                np.save(Path(folder) / f"features-{step // TOGETHER % 10}.npy", np.concatenate(gathered))
                gathered.clear()
        else:
            np.savez_compressed(Path(folder) / f"features-{step % 100}.npz", features)
print("batches:", STEPS)
