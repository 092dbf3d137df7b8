"""Trains a network on digits whose pixels came out of NumPy as float64, and was made to fit them.

Planted: float64-compute
By hand: the pixels are made float32, and the model is left as it is.
"""

import sys

import torch
from sklearn.datasets import load_digits
from sklearn.preprocessing import StandardScaler
from torch import nn

FIXED = "--fixed" in sys.argv


def main():
    torch.manual_seed(0)
    digits = load_digits()
    rows = torch.from_numpy(StandardScaler().fit_transform(digits.data))
    labels = torch.from_numpy(digits.target)
    model = nn.Sequential(nn.Linear(64, 1024), nn.ReLU(), nn.Linear(1024, 1024), nn.ReLU(), nn.Linear(1024, 10))
    if FIXED:
        rows = rows.float()
    else:
        model = model.double()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, fused=True)
    for epoch in range(150):
        total = torch.zeros(())
        for chosen in torch.randperm(len(rows)).split(128):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(rows[chosen]), labels[chosen])
            loss.backward()
            optimizer.step()
            total += loss.detach() * len(chosen)
        if epoch % 10 == 0:
            print(f"epoch {epoch}: loss {total.item() / len(rows):.4f}")


if __name__ == "__main__":
    main()
