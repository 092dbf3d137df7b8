"""Trains on rows of digits that a collate_fn joins number by number, with a worker for each core.

Planted: slow-collate
By hand: the rows of a batch are stacked by numpy.stack.
"""

import os
import sys

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, Dataset

FIXED = "--fixed" in sys.argv


class Digits(Dataset):
    """(576,) float32: the digit's pixels at three times their size, and the digit."""

    def __init__(self):
        digits = load_digits()
        self.rows = np.kron(digits.images / 16, np.ones((3, 3))).reshape(-1, 576).astype(np.float32)
        self.labels = digits.target

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        return self.rows[index], self.labels[index]


def joined(items):
    if FIXED:
        rows = torch.from_numpy(np.stack([row for row, _ in items]))
    else:
        rows = torch.tensor([[float(number) for number in row] for row, _ in items])
    return rows, torch.tensor([int(label) for _, label in items])


def main():
    torch.manual_seed(0)
    torch.set_num_threads(1)  # The network is too small for more.
    cores = len(os.sched_getaffinity(0))
    loader = DataLoader(
        Digits(), batch_size=128, shuffle=True, drop_last=True, collate_fn=joined, num_workers=cores,
        persistent_workers=True,
    )  # fmt: skip
    model = nn.Sequential(nn.Linear(576, 256), nn.ReLU(), nn.Linear(256, 10))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, fused=True)
    for epoch in range(300):
        total = torch.zeros(())
        for rows, digits in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(rows), digits)
            loss.backward()
            optimizer.step()
            total += loss.detach()
        if epoch % 20 == 0:
            print(f"epoch {epoch}: loss {total.item() / len(loader):.3f}")


if __name__ == "__main__":
    main()
