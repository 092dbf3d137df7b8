"""Trains a compiled autoencoder of patches of two photos, whose large products take nearly all of the time.

Planted: nothing
By hand: nothing is left to remove.
"""

import numpy as np
import torch
from sklearn.datasets import load_sample_images
from torch import nn

SHORT = torch.ops.mkldnn._is_mkldnn_bf16_supported()  # Whether the processor has 16-bit products.

SIDE = 16


def patches():
    """(n, 768) float32 patches of 16 by 16 pixels, every fourth pixel one."""
    photos = torch.from_numpy(np.stack(load_sample_images().images)).permute(0, 3, 1, 2)
    cut = photos.unfold(2, SIDE, 4).unfold(3, SIDE, 4)
    return cut.permute(0, 2, 3, 1, 4, 5).reshape(-1, 3 * SIDE * SIDE).float() / 255


def main():
    torch.manual_seed(0)
    rows = patches()
    model = nn.Sequential(
        nn.Linear(rows.shape[1], 1536), nn.ReLU(), nn.Linear(1536, 128), nn.Linear(128, 1536), nn.ReLU(),
        nn.Linear(1536, rows.shape[1]),
    )  # fmt: skip
    compiled = torch.compile(model)
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-4, fused=True)
    total = torch.zeros(())
    for step in range(1, 3001):
        batch = rows[torch.randint(len(rows), (512,))]
        optimizer.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=SHORT):
            answers = compiled(batch)
        loss = nn.functional.mse_loss(answers.float(), batch)
        loss.backward()
        optimizer.step()
        total += loss.detach()
        if step % 200 == 0:
            print(f"step {step}: loss {total.item() / step:.5f}")


if __name__ == "__main__":
    main()
