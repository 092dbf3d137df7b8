"""Trains a network on scikit-learn's digits, with nothing left to mend.

In memory, in large batches of one size, compiled, in 16-bit numbers where the processor has instructions for them, with
one line an epoch.

    python train.py --epochs 60
"""

import argparse

import torch
from sklearn.datasets import load_digits
from torch import nn

INSTRUCTIONS = ("amx_bf16", "avx512_bf16")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--batch-size", type=int, default=599)
    options = parser.parse_args()

    torch.manual_seed(0)
    digits = load_digits()
    rows, labels = torch.from_numpy(digits.data).float() / 16, torch.from_numpy(digits.target)
    model = nn.Sequential(nn.Linear(64, 2048), nn.ReLU(), nn.Linear(2048, 2048), nn.ReLU(), nn.Linear(2048, 10))
    model = torch.compile(model)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, fused=True)
    has_bfloat16 = any(torch.cpu.get_capabilities().get(name) for name in INSTRUCTIONS)

    for epoch in range(options.epochs):
        total = torch.zeros(())
        for chosen in torch.randperm(len(rows)).split(options.batch_size):
            optimizer.zero_grad(set_to_none=True)
            with torch.autocast("cpu", torch.bfloat16, enabled=has_bfloat16):
                scores = model(rows[chosen])
            loss = nn.functional.cross_entropy(scores.float(), labels[chosen])
            loss.backward()
            optimizer.step()
            total += loss.detach() * len(chosen)
        print(f"epoch {epoch}: loss {total.item() / len(rows):.4f}")


if __name__ == "__main__":
    main()
