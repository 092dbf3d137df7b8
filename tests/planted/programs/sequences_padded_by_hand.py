"""Trains a small network on sequences that a collate_fn writes into the batch step by step.

Planted: slow-collate
By hand: torch.stack joins the sequences of a batch.
"""

import sys

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, Dataset

FIXED = "--fixed" in sys.argv
STEPS = 32


class Strokes(Dataset):
    """(32, 8) float32: four digits below each other, row by row, and the first of them."""

    def __init__(self):
        digits = load_digits()
        self.images = torch.from_numpy(digits.images).float() / 16
        self.labels = torch.from_numpy(digits.target)

    def __len__(self):
        return len(self.images) - 3

    def __getitem__(self, index):
        return self.images[index : index + 4].reshape(STEPS, 8), self.labels[index]


def joined(items):
    if FIXED:
        return torch.stack([rows for rows, _ in items]), torch.stack([label for _, label in items])
    batch = torch.zeros(len(items), STEPS, 8)
    labels = torch.zeros(len(items), dtype=torch.long)
    for place, (rows, label) in enumerate(items):
        for step in range(STEPS):
            batch[place, step] = rows[step]
        labels[place] = label
    return batch, labels


def main():
    torch.manual_seed(0)
    torch.set_num_threads(1)  # The network is too small for more.
    loader = DataLoader(
        Strokes(), batch_size=64, shuffle=True, drop_last=True, collate_fn=joined, num_workers=1,
        persistent_workers=True,
    )  # fmt: skip
    model = nn.Sequential(nn.Flatten(), nn.Linear(STEPS * 8, 512), nn.ReLU(), nn.Linear(512, 10))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, fused=True)
    for epoch in range(120):
        total = torch.zeros(())
        for rows, digits in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(rows), digits)
            loss.backward()
            optimizer.step()
            total += loss.detach()
        if epoch % 10 == 0:
            print(f"epoch {epoch}: loss {total.item() / len(loader):.3f}")


if __name__ == "__main__":
    main()
