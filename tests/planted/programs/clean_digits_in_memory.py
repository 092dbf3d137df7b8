"""Trains a wide network on digits that lie in memory as float32, in large batches and with 16-bit products.

Planted: nothing
By hand: nothing is left to remove.
"""

import torch
from sklearn.datasets import load_digits
from torch import nn

SHORT = torch.ops.mkldnn._is_mkldnn_bf16_supported()  # Whether the processor has 16-bit products.


def main():
    torch.manual_seed(0)
    digits = load_digits()
    rows, labels = torch.from_numpy(digits.data).float() / 16, torch.from_numpy(digits.target)
    model = nn.Sequential(nn.Linear(64, 2048), nn.ReLU(), nn.Linear(2048, 2048), nn.ReLU(), nn.Linear(2048, 10))
    compiled = torch.compile(model)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, fused=True)
    for epoch in range(600):
        total = torch.zeros(())
        for chosen in torch.randperm(len(rows))[:1536].split(512):
            optimizer.zero_grad()
            with torch.autocast("cpu", torch.bfloat16, enabled=SHORT):
                answers = compiled(rows[chosen])
            loss = nn.functional.cross_entropy(answers.float(), labels[chosen])
            loss.backward()
            optimizer.step()
            total += loss.detach()
        if epoch % 20 == 0:
            print(f"epoch {epoch}: loss {total.item() / 3:.4f}")


if __name__ == "__main__":
    main()
