"""Trains on digits that are bent at random, pixel by pixel, with as many loader workers as there are cores.

Planted: slow-dataset-item
By hand: all pixels of a digit are looked up at once by arrays of indices.
"""

import os
import random
import sys

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, Dataset

FIXED = "--fixed" in sys.argv
SIDE = 32


class Digits(Dataset):
    """(1, 32, 32) float32 digits, bent by a random wave, and what they are."""

    def __init__(self):
        digits = load_digits()
        self.images = np.kron(digits.images / 16, np.ones((4, 4))).astype(np.float32)
        self.labels = digits.target.tolist()

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        wave = (3 * np.sin(np.arange(SIDE) / random.uniform(3, 9) + random.uniform(0, 6))).astype(int)
        bent = bent_at_once(self.images[index], wave) if FIXED else bent_by_pixel(self.images[index], wave)
        return torch.from_numpy(bent)[None], self.labels[index]


def bent_by_pixel(image, wave):
    bent = np.zeros_like(image)
    for row in range(SIDE):
        for column in range(SIDE):
            bent[row, column] = image[(row + wave[column]) % SIDE, (column + wave[row]) % SIDE]
    return bent


def bent_at_once(image, wave):
    rows, columns = np.arange(SIDE)[:, None], np.arange(SIDE)[None]
    return image[(rows + wave[None]) % SIDE, (columns + wave[:, None]) % SIDE]


def main():
    torch.manual_seed(0)
    torch.set_num_threads(1)  # The network is too small for more.
    cores = len(os.sched_getaffinity(0))
    loader = DataLoader(
        Digits(), batch_size=64, shuffle=True, drop_last=True, num_workers=cores, persistent_workers=True
    )
    model = nn.Sequential(nn.Flatten(), nn.Linear(SIDE * SIDE, 512), nn.ReLU(), nn.Linear(512, 10))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, fused=True)
    for epoch in range(60):
        total = torch.zeros(())
        for images, digits in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(images), digits)
            loss.backward()
            optimizer.step()
            total += loss.detach()
        print(f"epoch {epoch}: loss {total.item() / len(loader):.3f}")


if __name__ == "__main__":
    main()
