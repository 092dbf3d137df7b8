"""Trains a deep network on digits, with autograd's search for NaN switched on.

Planted: debug-mode-left-on
By hand: set_detect_anomaly(True) is left out.
"""

import sys

import torch
from sklearn.datasets import load_digits
from torch import nn

FIXED = "--fixed" in sys.argv


class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.norm, self.layers = nn.LayerNorm(width), nn.Sequential(nn.Linear(width, width), nn.GELU())

    def forward(self, rows):
        return rows + self.layers(self.norm(rows))


def main():
    torch.manual_seed(0)
    torch.set_num_threads(1)  # The network is too small for more.
    if not FIXED:
        torch.autograd.set_detect_anomaly(True)
    digits = load_digits()
    rows, labels = torch.from_numpy(digits.data).float() / 16, torch.from_numpy(digits.target)
    model = nn.Sequential(*(Block(64) for _ in range(8)), nn.Linear(64, 10))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, fused=True)
    for epoch in range(400):
        total = torch.zeros(())
        for chosen in torch.randperm(len(rows)).split(64):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(rows[chosen]), labels[chosen])
            loss.backward()
            optimizer.step()
            total += loss.detach() * len(chosen)
        if epoch % 20 == 0:
            print(f"epoch {epoch}: loss {total.item() / len(rows):.4f}")


if __name__ == "__main__":
    main()
