"""Trains a network on digits, and prints its answers to each batch.

Planted: io-in-the-loop
By hand: the answers are printed once in a thousand steps.
"""

import sys

import torch
from sklearn.datasets import load_digits
from torch import nn

FIXED = "--fixed" in sys.argv


def main():
    torch.manual_seed(0)
    torch.set_num_threads(1)  # The network is too small for more.
    digits = load_digits()
    rows, labels = torch.from_numpy(digits.data).float() / 16, torch.from_numpy(digits.target)
    model = nn.Sequential(nn.Linear(64, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, fused=True)
    step = 0
    for epoch in range(400):
        total = torch.zeros(())
        for chosen in torch.randperm(len(rows)).split(64):
            optimizer.zero_grad()
            answers = model(rows[chosen])
            loss = nn.functional.cross_entropy(answers, labels[chosen])
            loss.backward()
            optimizer.step()
            total += loss.detach() * len(chosen)
            step += 1
            if not FIXED or step % 1000 == 0:
                print(f"step {step}:", labels[chosen], answers, flush=True)
        if epoch % 20 == 0:
            print(f"epoch {epoch}: loss {total.item() / len(rows):.4f}")


if __name__ == "__main__":
    main()
