"""Trains on digits that lie in a store across the network, which answers after 2 ms.

Planted: too-few-loader-workers
By hand: num_workers is raised from 1 to 16, since workers wait for the store rather than compute.
"""

import random
import sys
import time

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, Dataset

FIXED = "--fixed" in sys.argv


class Store:
    """Objects that come after a round trip."""

    def __init__(self, objects, round_trip_s):
        self.objects, self.round_trip_s = objects, round_trip_s

    def get(self, key):
        time.sleep(self.round_trip_s)
        return self.objects[key]


class Digits(Dataset):
    """(64,) float32 pixels, made brighter at random, and the digit."""

    def __init__(self):
        digits = load_digits()
        rows = torch.from_numpy(digits.data).float() / 16
        self.store = Store(list(zip(rows, digits.target.tolist(), strict=True)), 0.002)

    def __len__(self):
        return len(self.store.objects)

    def __getitem__(self, index):
        pixels, digit = self.store.get(index)
        return pixels * random.uniform(0.8, 1.0), digit


def main():
    torch.manual_seed(0)
    torch.set_num_threads(1)  # The network is too small for more.
    loader = DataLoader(
        Digits(), batch_size=32, shuffle=True, drop_last=True, num_workers=16 if FIXED else 1, persistent_workers=True
    )
    model = nn.Sequential(nn.Linear(64, 1024), nn.ReLU(), nn.Linear(1024, 1024), nn.ReLU(), nn.Linear(1024, 10))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, fused=True)
    for epoch in range(16):
        total = torch.zeros(())
        for pixels, digits in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(pixels), digits)
            loss.backward()
            optimizer.step()
            total += loss.detach()
        print(f"epoch {epoch}: loss {total.item() / len(loader):.3f}")


if __name__ == "__main__":
    main()
