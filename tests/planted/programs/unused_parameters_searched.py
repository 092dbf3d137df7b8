"""Trains a deep network on digits under DistributedDataParallel, which looks for unused parameters in each step.

Planted: unused-parameter-search
By hand: find_unused_parameters=True is left out.
"""

import sys
import tempfile

import torch
from sklearn.datasets import load_digits
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel

FIXED = "--fixed" in sys.argv


def main():
    torch.manual_seed(0)
    torch.set_num_threads(1)  # The network is too small for more.
    with tempfile.NamedTemporaryFile() as file:
        distributed.init_process_group("gloo", init_method=f"file://{file.name}", rank=0, world_size=1)
        digits = load_digits()
        rows, labels = torch.from_numpy(digits.data).float() / 16, torch.from_numpy(digits.target)
        layers = [layer for _ in range(60) for layer in (nn.Linear(32, 32), nn.LayerNorm(32), nn.Tanh())]
        model = nn.Sequential(nn.Linear(64, 32), *layers, nn.Linear(32, 10))
        parallel = DistributedDataParallel(model, find_unused_parameters=not FIXED)
        optimizer = torch.optim.SGD(parallel.parameters(), lr=0.01, momentum=0.9, fused=True)
        for epoch in range(400):
            total = torch.zeros(())
            for chosen in torch.randperm(len(rows)).split(64):
                optimizer.zero_grad()
                loss = nn.functional.cross_entropy(parallel(rows[chosen]), labels[chosen])
                loss.backward()
                optimizer.step()
                total += loss.detach() * len(chosen)
            if epoch % 20 == 0:
                print(f"epoch {epoch}: loss {total.item() / len(rows):.4f}")
        distributed.destroy_process_group()


if __name__ == "__main__":
    main()
