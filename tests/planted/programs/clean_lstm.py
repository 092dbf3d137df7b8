"""Trains an LSTM that reads four digits row by row and says the first, in large batches and short numbers.

Planted: nothing
By hand: nothing is left to remove.
"""

import torch
from sklearn.datasets import load_digits
from torch import nn

SHORT = torch.ops.mkldnn._is_mkldnn_bf16_supported()


class Reader(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm, self.head = nn.LSTM(8, 192, num_layers=2), nn.Linear(192, 10)

    def forward(self, rows):
        return self.head(self.lstm(rows)[0][-1])


def main():
    torch.manual_seed(0)
    digits = load_digits()
    images = torch.from_numpy(digits.images).float().transpose(0, 1) / 16
    rows = torch.cat([images[:, first : first + 1792] for first in range(4)])
    labels = torch.from_numpy(digits.target)[:1792]
    model = Reader()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, fused=True)
    for epoch in range(200):
        total = torch.zeros(())
        for chosen in torch.randperm(len(labels)).split(256):
            optimizer.zero_grad()
            with torch.autocast("cpu", torch.bfloat16, enabled=SHORT):
                answers = model(rows[:, chosen])
            loss = nn.functional.cross_entropy(answers.float(), labels[chosen])
            loss.backward()
            optimizer.step()
            total += loss.detach()
        if epoch % 10 == 0:
            print(f"epoch {epoch}: loss {total.item() / 7:.4f}")


if __name__ == "__main__":
    main()
