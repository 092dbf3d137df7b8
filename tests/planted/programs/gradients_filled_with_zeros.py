"""Trains a factorisation of digits with large tables of features, whose gradients are filled with zeros each step.

Planted: gradients-zeroed-by-fill
By hand: zero_grad() drops the gradients, as it does by default.
"""

import sys

import torch
from sklearn.datasets import load_digits
from torch import nn

FIXED = "--fixed" in sys.argv


def main():
    torch.manual_seed(0)
    digits = load_digits()
    pixels, labels = torch.from_numpy(digits.data).long(), torch.from_numpy(digits.target)
    words = pixels[:, :-1] * 17 * 64 + pixels[:, 1:] * 64 + torch.arange(63)  # A pixel, its neighbour, the place.
    model = nn.Sequential(nn.EmbeddingBag(17 * 17 * 64, 512), nn.Linear(512, 10))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5, fused=True)
    for epoch in range(50):
        total = torch.zeros(())
        for chosen in torch.randperm(len(words)).split(32):
            optimizer.zero_grad(set_to_none=FIXED)
            loss = nn.functional.cross_entropy(model(words[chosen]), labels[chosen])
            loss.backward()
            optimizer.step()
            total += loss.detach() * len(chosen)
        if epoch % 5 == 0:
            print(f"epoch {epoch}: loss {total.item() / len(words):.4f}")


if __name__ == "__main__":
    main()
