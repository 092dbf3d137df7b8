"""Trains a network on scikit-learn's digits, and says and saves everything in every step.

python train.py --epochs 30
"""

import argparse

import torch
from sklearn.datasets import load_digits
from torch import nn


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--checkpoint", default="checkpoint.pt")
    options = parser.parse_args()

    torch.manual_seed(0)
    digits = load_digits()
    rows, labels = torch.from_numpy(digits.data).float() / 16, torch.from_numpy(digits.target)
    model = nn.Sequential(nn.Linear(64, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10))
    optimizer = torch.optim.Adam(model.parameters())

    step = 0
    for epoch in range(options.epochs):
        for chosen in torch.randperm(len(rows)).split(options.batch_size):
            optimizer.zero_grad()
            answers = model(rows[chosen])
            loss = nn.functional.cross_entropy(answers, labels[chosen])
            loss.backward()
            optimizer.step()
            step += 1
            right = (answers.argmax(1) == labels[chosen]).float().mean().item()
            print(f"epoch {epoch} step {step}: loss {loss.item():.4f}, right {right:.3f}", flush=True)
            torch.save(
                {"step": step, "model": model.state_dict(), "optimizer": optimizer.state_dict()}, options.checkpoint
            )


if __name__ == "__main__":
    main()
