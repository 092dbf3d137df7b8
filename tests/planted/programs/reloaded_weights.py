"""Answers requests for the digit on a few scans; the weights are in a file, in bfloat16.

Planted: model-reloaded-per-call
By hand: the weights are loaded once, before the loop.
"""

import sys
import tempfile
from pathlib import Path

import torch
from sklearn.datasets import load_digits
from torch import nn

FIXED = "--fixed" in sys.argv
ROWS, STEPS = 32, 8_000

torch.manual_seed(0)
scans = torch.tensor(load_digits().data / 16, dtype=torch.bfloat16)
model = nn.Sequential(nn.Linear(64, 1024), nn.ReLU(), nn.Linear(1024, 1024), nn.ReLU(), nn.Linear(1024, 10))
model.bfloat16().eval()


def answer(rows: torch.Tensor, weights: Path) -> torch.Tensor:
    if not FIXED:
        model.load_state_dict(torch.load(weights))
    return model(rows).argmax(dim=1)


with tempfile.TemporaryDirectory() as folder, torch.inference_mode():
    file = Path(folder) / "digits.pt"
    torch.save(model.state_dict(), file)
    model.load_state_dict(torch.load(file))
    total = 0
    for step in range(STEPS):
        start = step * ROWS % (len(scans) - ROWS)
        total += int(answer(scans[start : start + ROWS], file).sum())
print("sum of the digits:", total)
