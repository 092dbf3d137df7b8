"""Trains an actor on episodes whose observations are kept as NumPy arrays in a list, and made a tensor each step.

Planted: arrays-stacked-slowly
By hand: numpy.stack makes one array of them before torch sees them.
"""

import sys

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn

FIXED = "--fixed" in sys.argv


def main():
    torch.manual_seed(0)
    torch.set_num_threads(1)  # The network is too small for more.
    numbers = np.random.default_rng(0)
    digits = load_digits()
    rows = (digits.data / 16).astype(np.float32)
    memory = list(zip(rows, digits.target.tolist(), strict=True))
    model = nn.Sequential(nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, 10))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)
    total = torch.zeros(())
    for step in range(1, 12001):
        chosen = [memory[place] for place in numbers.integers(len(memory), size=128)]
        seen, right = [row for row, _ in chosen], [label for _, label in chosen]
        rows = torch.from_numpy(np.stack(seen)) if FIXED else torch.tensor(seen)
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(rows), torch.tensor(right))
        loss.backward()
        optimizer.step()
        total += loss.detach()
        if step % 1000 == 0:
            print(f"step {step}: loss {total.item() / step:.3f}")


if __name__ == "__main__":
    main()
