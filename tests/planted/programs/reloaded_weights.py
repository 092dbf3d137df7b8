"""Answers requests for the digit on a few scans; the weights are in a file, in short numbers.

Planted: model-reloaded-per-call
By hand: the weights are loaded once, before the loop.
"""

import sys
import tempfile
from pathlib import Path

import torch
from sklearn.datasets import load_digits
from torch import nn

SHORT = torch.bfloat16 if torch.ops.mkldnn._is_mkldnn_bf16_supported() else torch.float32  # What the processor has.

FIXED = "--fixed" in sys.argv
ROWS, STEPS = 32, 8_000

torch.manual_seed(0)
scans = torch.tensor(load_digits().data / 16, dtype=SHORT)
model = nn.Sequential(nn.Linear(64, 1024), nn.ReLU(), nn.Linear(1024, 1024), nn.ReLU(), nn.Linear(1024, 10))
model.to(SHORT).eval()


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
