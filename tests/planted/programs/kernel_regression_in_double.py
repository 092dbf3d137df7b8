"""Learns the centres of a kernel regression on patients' measurements by gradient descent, in double precision.

Planted: float64-compute
By hand: all numbers are float32.
"""

import sys

import torch
from sklearn.datasets import load_diabetes
from torch import nn

FIXED = "--fixed" in sys.argv


class Kernels(nn.Module):
    def __init__(self, columns, centres):
        super().__init__()
        self.centres = nn.Parameter(0.05 * torch.randn(centres, columns))
        self.heights = nn.Parameter(torch.zeros(centres))
        self.widths = nn.Parameter(torch.full((centres,), 200.0))

    def forward(self, rows):
        distances = rows.square().sum(1, keepdim=True) - 2 * rows @ self.centres.T + self.centres.square().sum(1)
        return torch.exp(-distances * self.widths) @ self.heights


def main():
    if not FIXED:
        torch.set_default_dtype(torch.float64)
    torch.manual_seed(0)
    patients, progression = load_diabetes(return_X_y=True)
    dtype = torch.get_default_dtype()
    rows, targets = torch.from_numpy(patients).to(dtype), torch.from_numpy(progression / 350).to(dtype)
    model = Kernels(rows.shape[1], 2048)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)
    for step in range(3000):
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(rows), targets)
        loss.backward()
        optimizer.step()
        if step % 200 == 0:
            print(f"step {step}: loss {loss.item():.5f}")


if __name__ == "__main__":
    main()
