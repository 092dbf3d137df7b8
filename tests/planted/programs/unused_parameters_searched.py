"""Trains convolutions on scanned digits in a group of processes, with a search for parameters that go unused.

Planted: unused-parameter-search
By hand: find_unused_parameters is left out; all of them are used.
"""

import sys
import tempfile

import torch
from sklearn.datasets import load_digits
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel

FIXED = "--fixed" in sys.argv
SHORT = torch.ops.mkldnn._is_mkldnn_bf16_supported()  # Where the processor has instructions for it.


def main():
    torch.manual_seed(0)
    digits = load_digits()
    scans, labels = torch.from_numpy(digits.images / 16).float()[:, None], torch.from_numpy(digits.target)
    deep = [part for _ in range(4) for part in (nn.Conv2d(96, 96, 3, padding=1), nn.ReLU())]
    layers = nn.Sequential(nn.Conv2d(1, 96, 3, padding=1), nn.ReLU(), *deep, nn.Flatten(), nn.Linear(96 * 64, 10))
    layers.to(memory_format=torch.channels_last)
    with tempfile.NamedTemporaryFile() as store:
        distributed.init_process_group("gloo", init_method=f"file://{store.name}", rank=0, world_size=1)
        model = DistributedDataParallel(layers, find_unused_parameters=not FIXED)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1, fused=True)
        for epoch in range(100):
            total = torch.zeros(())
            for chosen in torch.randperm(len(scans)).split(128):
                optimizer.zero_grad()
                with torch.autocast("cpu", torch.bfloat16, enabled=SHORT):
                    scores = model(scans[chosen])
                loss = nn.functional.cross_entropy(scores.float(), labels[chosen])
                loss.backward()
                optimizer.step()
                total += loss.detach() * len(chosen)
            if epoch % 20 == 0:
                print(f"epoch {epoch}: loss {total.item() / len(scans):.4f}")
        distributed.destroy_process_group()


if __name__ == "__main__":
    main()
