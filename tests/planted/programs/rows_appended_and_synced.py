"""Trains a network on wines, and appends each step's loss to a CSV file that is forced to the disk.

Planted: io-in-the-loop
By hand: the losses of 200 steps are written at once.
"""

import os
import sys
import tempfile
from pathlib import Path

import torch
from sklearn.datasets import load_wine
from torch import nn

FIXED = "--fixed" in sys.argv


def main():
    torch.manual_seed(0)
    torch.set_num_threads(1)  # The network is too small for more.
    wines, kinds = load_wine(return_X_y=True)
    wines = torch.from_numpy((wines - wines.mean(0)) / wines.std(0)).float()
    kinds = torch.from_numpy(kinds)
    model = nn.Sequential(nn.Linear(13, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, 3))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, fused=True)
    losses = []
    with tempfile.TemporaryDirectory() as folder, (Path(folder) / "losses.csv").open("w") as file:
        for step in range(30000):
            chosen = torch.randint(len(wines), (32,))
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(wines[chosen]), kinds[chosen])
            loss.backward()
            optimizer.step()
            losses.append(loss.detach())
            if not FIXED or step % 200 == 0:
                file.writelines(f"{loss.item():.6f}\n" for loss in losses)
                file.flush()
                os.fsync(file.fileno())
                losses.clear()


if __name__ == "__main__":
    main()
