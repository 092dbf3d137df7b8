"""Trains a network on wines, and appends each step's gradients to a CSV file a layer that is forced to the disk.

Planted: io-in-the-loop
By hand: what 200 steps found is written at once.
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
    model = nn.Sequential(nn.Linear(13, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 3))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, fused=True)
    with tempfile.TemporaryDirectory() as folder:
        files = [(Path(folder) / f"layer{place}.csv").open("w") for place in range(3)]
        norms = [[] for _ in files]
        for step in range(20000):
            chosen = torch.randint(len(wines), (32,))
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(wines[chosen]), kinds[chosen])
            loss.backward()
            optimizer.step()
            for layer, file, found in zip(model[::2], files, norms, strict=True):
                found.append(layer.weight.grad.norm())
                if not FIXED or step % 200 == 0:
                    file.writelines(f"{norm.item():.6f}\n" for norm in found)
                    file.flush()
                    os.fsync(file.fileno())
                    found.clear()


if __name__ == "__main__":
    main()
