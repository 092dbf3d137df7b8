"""Trains a network on scikit-learn's digits, as tables come out of NumPy and pandas: in float64.

    python train.py --epochs 30

NumPy made the table float64; PyTorch then complained that the model is float32, and somebody wrote `.double()`.
"""

import argparse

import torch
from sklearn.datasets import load_digits
from sklearn.preprocessing import StandardScaler
from torch import nn


def table():
    """(1797, 64) standardised pixels and the digits."""
    digits = load_digits()
    pixels = StandardScaler().fit_transform(digits.data)
    return torch.from_numpy(pixels), torch.from_numpy(digits.target)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--width", type=int, default=768)
    options = parser.parse_args()

    torch.manual_seed(0)
    rows, digits = table()
    model = nn.Sequential(
        nn.Linear(rows.shape[1], options.width),
        nn.ReLU(),
        nn.Linear(options.width, options.width),
        nn.ReLU(),
        nn.Linear(options.width, 10),
    ).double()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)

    for epoch in range(options.epochs):
        order = torch.randperm(len(rows))
        total = 0.0
        for chosen in order.split(options.batch_size):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(rows[chosen]), digits[chosen])
            loss.backward()
            optimizer.step()
            total += loss.item() * len(chosen)
        print(f"epoch {epoch}: loss {total / len(rows):.4f}")


if __name__ == "__main__":
    main()
