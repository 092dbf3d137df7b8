"""Trains a network on wines, each of whose measurements is scaled and clipped in a loop before it is learned from.

Planted: row-by-row-python
By hand: the whole batch is scaled and clipped by array operations.
"""

import sys

import numpy as np
import torch
from sklearn.datasets import load_wine
from torch import nn

FIXED = "--fixed" in sys.argv


def scaled(rows, low, high, noise):
    """Between 0 and 1 by column, with noise, clipped."""
    if FIXED:
        return np.clip((rows - low) / (high - low) + noise, 0, 1).astype(np.float32)
    out = np.empty(rows.shape, np.float32)
    for row in range(len(rows)):
        for column in range(rows.shape[1]):
            value = (rows[row, column] - low[column]) / (high[column] - low[column]) + noise[row, column]
            if value < 0:
                value = 0.0
            elif value > 1:
                value = 1.0
            out[row, column] = value
    return out


def main():
    torch.manual_seed(0)
    torch.set_num_threads(1)  # The network is too small for more.
    numbers = np.random.default_rng(0)
    wines, kinds = load_wine(return_X_y=True)
    low, high = wines.min(0), wines.max(0)
    model = nn.Sequential(nn.Linear(13, 64), nn.ReLU(), nn.Linear(64, 3))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, fused=True)
    total = torch.zeros(())
    for step in range(1, 10001):
        chosen = numbers.integers(len(wines), size=512)
        rows = scaled(wines[chosen], low, high, 0.05 * numbers.standard_normal((512, 13)))
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(torch.from_numpy(rows)), torch.from_numpy(kinds[chosen]))
        loss.backward()
        optimizer.step()
        total += loss.detach()
        if step % 1000 == 0:
            print(f"step {step}: loss {total.item() / step:.4f}")


if __name__ == "__main__":
    main()
