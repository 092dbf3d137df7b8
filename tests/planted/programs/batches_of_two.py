"""Trains a network on digits that come two at a time.

Planted: tiny-batches
By hand: the DataLoader gives batches of 16.
Samples per step: 2, 16
"""

import sys

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

FIXED = "--fixed" in sys.argv


def main():
    torch.manual_seed(0)
    torch.set_num_threads(1)  # The network is too small for more.
    digits = load_digits()
    data = TensorDataset(torch.from_numpy(digits.data).float() / 16, torch.from_numpy(digits.target))
    loader = DataLoader(data, batch_size=16 if FIXED else 2, shuffle=True, drop_last=True)
    model = nn.Sequential(nn.Linear(64, 1024), nn.ReLU(), nn.Linear(1024, 1024), nn.ReLU(), nn.Linear(1024, 10))
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-4, fused=True)
    for epoch in range(400 if FIXED else 80):
        total = torch.zeros(())
        for rows, labels in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(rows), labels)
            loss.backward()
            optimizer.step()
            total += loss.detach()
        if epoch % 10 == 0:
            print(f"epoch {epoch}: loss {total.item() / len(loader):.3f}")


if __name__ == "__main__":
    main()
