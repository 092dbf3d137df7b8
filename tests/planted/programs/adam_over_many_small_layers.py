"""Trains a model of many small tables and layers on wines, with an optimizer that updates them one by one.

Planted: unfused-optimizer
By hand: AdamW is made with fused=True.
"""

import sys

import torch
from sklearn.datasets import load_wine
from torch import nn

FIXED = "--fixed" in sys.argv
BINS, COLUMNS = 16, 13


class Additive(nn.Module):
    """Adds up, for each column, an entry of a table and a slope of its own, as generalised additive models do."""

    def __init__(self):
        super().__init__()
        self.tables = nn.ParameterList(nn.Parameter(torch.zeros(BINS, 3)) for _ in range(COLUMNS))
        self.slopes = nn.ParameterList(nn.Parameter(torch.zeros(1, 3)) for _ in range(COLUMNS))
        self.bends = nn.ParameterList(nn.Parameter(torch.zeros(1, 3)) for _ in range(COLUMNS))
        self.shift = nn.Parameter(torch.zeros(3))

    def forward(self, wines, bins):
        tables = torch.stack(list(self.tables))
        linear = wines @ torch.cat(list(self.slopes)) + wines.square() @ torch.cat(list(self.bends))
        return self.shift + linear + tables[torch.arange(COLUMNS), bins].sum(1)


def main():
    torch.manual_seed(0)
    torch.set_num_threads(1)  # The model is too small for more.
    wines, kinds = load_wine(return_X_y=True)
    wines = torch.from_numpy((wines - wines.mean(0)) / wines.std(0)).float()
    kinds = torch.from_numpy(kinds)
    bins = ((wines + 3) / 6 * BINS).long().clamp(0, BINS - 1)
    model = Additive()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, fused=True if FIXED else None)
    for epoch in range(10000):
        total = torch.zeros(())
        for chosen in torch.randperm(len(wines)).split(89):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(wines[chosen], bins[chosen]), kinds[chosen])
            loss.backward()
            optimizer.step()
            total += loss.detach() * len(chosen)
        if epoch % 1000 == 0:
            print(f"epoch {epoch}: loss {total.item() / len(wines):.4f}")


if __name__ == "__main__":
    main()
