"""Trains a compiled convolutional network on random views of two photos, which two workers cut out ahead of it.

Planted: nothing
By hand: nothing is left to remove.
"""

import random

import numpy as np
import torch
from sklearn.datasets import load_sample_images
from torch import nn
from torch.utils.data import DataLoader, Dataset

SHORT = torch.ops.mkldnn._is_mkldnn_bf16_supported()  # Whether the processor has 16-bit products.

SIDE = 64


class Views(Dataset):
    """(3, 64, 64) uint8 views, mirrored at random, and the number of the photo."""

    def __init__(self):
        self.photos = [torch.from_numpy(np.array(photo)).permute(2, 0, 1).contiguous() for photo in photos()]

    def __len__(self):
        return 4096

    def __getitem__(self, index):
        photo = self.photos[index % 2]
        top, left = random.randrange(photo.shape[1] - SIDE), random.randrange(photo.shape[2] - SIDE)
        view = photo[:, top : top + SIDE, left : left + SIDE]
        return (view.flip(2) if random.random() < 0.5 else view), index % 2


def photos():
    return load_sample_images().images


def block(inside, outside):
    return nn.Sequential(nn.Conv2d(inside, outside, 3, padding=1), nn.ReLU(), nn.Conv2d(outside, outside, 3, stride=2))


def main():
    torch.manual_seed(0)
    loader = DataLoader(
        Views(), batch_size=64, shuffle=True, drop_last=True, num_workers=2, persistent_workers=True, prefetch_factor=4
    )
    model = nn.Sequential(
        block(3, 32), nn.ReLU(), block(32, 64), nn.ReLU(), block(64, 128), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        nn.Linear(128, 2),
    ).to(memory_format=torch.channels_last)  # fmt: skip
    compiled = torch.compile(model)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, fused=True)
    for epoch in range(10):
        total = torch.zeros(())
        for views, numbers in loader:
            optimizer.zero_grad()
            views = views.to(memory_format=torch.channels_last).float() / 255
            with torch.autocast("cpu", torch.bfloat16, enabled=SHORT):
                answers = compiled(views)
            loss = nn.functional.cross_entropy(answers.float(), numbers)
            loss.backward()
            optimizer.step()
            total += loss.detach()
        print(f"epoch {epoch}: loss {total.item() / len(loader):.3f}")


if __name__ == "__main__":
    main()
