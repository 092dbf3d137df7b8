"""Trains a model of many small tables and slopes on digits, with an optimizer that updates them one by one.

Planted: unfused-optimizer
By hand: AdamW is made with fused=True.
"""

import sys

import torch
from sklearn.datasets import load_digits
from torch import nn

FIXED = "--fixed" in sys.argv
BINS, COLUMNS = 17, 64


class Additive(nn.Module):
    """Adds up, for each column, an entry of a table and a slope of its own, as generalised additive models do."""

    def __init__(self):
        super().__init__()
        self.tables = nn.ParameterList(nn.Parameter(torch.zeros(BINS, 10)) for _ in range(COLUMNS))
        self.slopes = nn.ParameterList(nn.Parameter(torch.zeros(1, 10)) for _ in range(COLUMNS))
        self.bends = nn.ParameterList(nn.Parameter(torch.zeros(1, 10)) for _ in range(COLUMNS))
        self.shift = nn.Parameter(torch.zeros(10))

    def forward(self, pixels, bins):
        tables = torch.stack(list(self.tables))
        linear = pixels @ torch.cat(list(self.slopes)) + pixels.square() @ torch.cat(list(self.bends))
        return self.shift + linear + tables[torch.arange(COLUMNS), bins].sum(1)


def main():
    torch.manual_seed(0)
    torch.set_num_threads(1)  # The model is too small for more.
    digits = load_digits()
    pixels, labels = torch.from_numpy(digits.data).float() / 16, torch.from_numpy(digits.target)
    bins = torch.from_numpy(digits.data).long()
    model = Additive()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, fused=True if FIXED else None)
    for epoch in range(1200):
        total = torch.zeros(())
        for chosen in torch.randperm(len(pixels)).split(128):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(pixels[chosen], bins[chosen]), labels[chosen])
            loss.backward()
            optimizer.step()
            total += loss.detach() * len(chosen)
        if epoch % 100 == 0:
            print(f"epoch {epoch}: loss {total.item() / len(pixels):.4f}")


if __name__ == "__main__":
    main()
