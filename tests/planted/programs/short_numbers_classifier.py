"""Trains a classifier of scanned digits under autocast to bfloat16, as on a newer processor.

Planted: short-numbers-emulated
By hand: autocast is left out where the processor has no instructions for bfloat16.
Shows where: bfloat16/float32:matmul above 1.2
"""

import sys

import torch
from sklearn.datasets import load_digits
from torch import nn

FIXED = "--fixed" in sys.argv


def main():
    torch.manual_seed(0)
    digits = load_digits()
    scans, labels = torch.from_numpy(digits.data / 16).float(), torch.from_numpy(digits.target)
    model = nn.Sequential(nn.Linear(64, 1024), nn.ReLU(), nn.Linear(1024, 1024), nn.ReLU(), nn.Linear(1024, 10))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, fused=True)
    for epoch in range(200):
        total = torch.zeros(())
        for chosen in torch.randperm(len(scans)).split(256):
            with torch.autocast("cpu", torch.bfloat16, enabled=not FIXED):
                loss = nn.functional.cross_entropy(model(scans[chosen]), labels[chosen])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.detach() * len(chosen)
        if epoch % 20 == 0:
            print(f"epoch {epoch}: loss {total.item() / len(scans):.4f}")


if __name__ == "__main__":
    main()
