"""Trains on digits in short epochs, with loader workers that end with each epoch.

Planted: loader-workers-restart
By hand: the DataLoader gets persistent_workers=True.
"""

import sys

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, Dataset

FIXED = "--fixed" in sys.argv


class Digits(Dataset):
    """(64,) float32 pixels with a little noise, and the digit."""

    def __init__(self):
        digits = load_digits()
        self.rows, self.labels = (digits.data / 16).astype(np.float32), digits.target.tolist()

    def __len__(self):
        return 640

    def __getitem__(self, index):
        noise = np.random.default_rng().standard_normal(64, np.float32)
        return torch.from_numpy(self.rows[index] + 0.05 * noise), self.labels[index]


def main():
    torch.manual_seed(0)
    torch.set_num_threads(1)  # The other core is for the workers.
    loader = DataLoader(Digits(), batch_size=64, shuffle=True, drop_last=True, num_workers=2, persistent_workers=FIXED)
    model = nn.Sequential(nn.Linear(64, 768), nn.ReLU(), nn.Linear(768, 512), nn.ReLU(), nn.Linear(512, 10))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, fused=True)
    for epoch in range(900):
        total = torch.zeros(())
        for pixels, digits in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(pixels), digits)
            loss.backward()
            optimizer.step()
            total += loss.detach()
        if epoch % 50 == 0:
            print(f"epoch {epoch}: loss {total.item() / len(loader):.3f}")


if __name__ == "__main__":
    main()
