"""Trains a classifier of scanned digits in a group of processes, a batch in four parts whose gradients are summed.

Planted: accumulation-without-no-sync
By hand: all parts but the last go backward inside no_sync().
"""

import contextlib
import sys
import tempfile

import torch
from sklearn.datasets import load_digits
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel

FIXED = "--fixed" in sys.argv
PARTS = 4
SHORT = torch.ops.mkldnn._is_mkldnn_bf16_supported()  # Where the processor has instructions for it.


def main():
    torch.manual_seed(0)
    digits = load_digits()
    scans, labels = torch.from_numpy(digits.data / 16).float(), torch.from_numpy(digits.target)
    layers = nn.Sequential(nn.Linear(64, 1024), nn.ReLU(), nn.Linear(1024, 1024), nn.ReLU(), nn.Linear(1024, 10))
    with tempfile.NamedTemporaryFile() as store:
        distributed.init_process_group("gloo", init_method=f"file://{store.name}", rank=0, world_size=1)
        model = DistributedDataParallel(layers)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1, fused=True)
        for epoch in range(300):
            total = torch.zeros(())
            for chosen in torch.randperm(len(scans)).split(256):
                optimizer.zero_grad()
                parts = chosen.chunk(PARTS)
                for number, part in enumerate(parts, start=1):
                    waits = FIXED and number < len(parts)
                    with model.no_sync() if waits else contextlib.nullcontext():
                        with torch.autocast("cpu", torch.bfloat16, enabled=SHORT):
                            scores = model(scans[part])
                        loss = nn.functional.cross_entropy(scores.float(), labels[part])
                        (loss * len(part) / len(chosen)).backward()
                    total += loss.detach() * len(part)
                optimizer.step()
            if epoch % 20 == 0:
                print(f"epoch {epoch}: loss {total.item() / len(scans):.4f}")
        distributed.destroy_process_group()


if __name__ == "__main__":
    main()
