"""Trains a network on digits, and keeps a checkpoint of every step.

Planted: io-in-the-loop
By hand: a checkpoint is kept once an epoch.
"""

import sys
import tempfile
from pathlib import Path

import torch
from sklearn.datasets import load_digits
from torch import nn

FIXED = "--fixed" in sys.argv


def main():
    torch.manual_seed(0)
    torch.set_num_threads(1)  # The network is too small for more.
    digits = load_digits()
    rows, labels = torch.from_numpy(digits.data).float() / 16, torch.from_numpy(digits.target)
    model = nn.Sequential(nn.Linear(64, 1024), nn.ReLU(), nn.Linear(1024, 1024), nn.ReLU(), nn.Linear(1024, 10))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, fused=True)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "checkpoint.pt"
        for epoch in range(100):
            total = torch.zeros(())
            for chosen in torch.randperm(len(rows)).split(32):
                optimizer.zero_grad()
                loss = nn.functional.cross_entropy(model(rows[chosen]), labels[chosen])
                loss.backward()
                optimizer.step()
                total += loss.detach() * len(chosen)
                if not FIXED:
                    torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict()}, file)
            if FIXED:
                torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict()}, file)
            if epoch % 10 == 0:
                print(f"epoch {epoch}: loss {total.item() / len(rows):.4f}")


if __name__ == "__main__":
    main()
