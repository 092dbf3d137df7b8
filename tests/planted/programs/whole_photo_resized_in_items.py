"""Trains on random crops of two photos, each taken from the whole photo made larger, with a worker for each core.

Planted: slow-dataset-item
By hand: the crop is cut out first, and only it is made larger.
"""

import os
import random
import sys

import numpy as np
import torch
from PIL import Image
from sklearn.datasets import load_sample_images
from torch import nn
from torch.utils.data import DataLoader, Dataset

FIXED = "--fixed" in sys.argv
SIDE, SCALE = 48, 2


class Crops(Dataset):
    """(3, 48, 48) float32 crops of a photo at twice its size, and the number of the photo."""

    def __init__(self):
        self.photos = [Image.fromarray(photo) for photo in load_sample_images().images]

    def __len__(self):
        return 2048

    def __getitem__(self, index):
        photo, side = self.photos[index % 2], SIDE // SCALE
        left, top = random.randrange(photo.width - side), random.randrange(photo.height - side)
        if FIXED:
            crop = photo.crop((left, top, left + side, top + side)).resize((SIDE, SIDE), Image.BICUBIC)
        else:
            larger = photo.resize((photo.width * SCALE, photo.height * SCALE), Image.BICUBIC)
            crop = larger.crop((left * SCALE, top * SCALE, left * SCALE + SIDE, top * SCALE + SIDE))
        return torch.from_numpy(np.asarray(crop, np.float32).transpose(2, 0, 1) / 255), index % 2


def main():
    torch.manual_seed(0)
    torch.set_num_threads(1)  # The network is too small for more.
    cores = len(os.sched_getaffinity(0))
    loader = DataLoader(Crops(), batch_size=32, shuffle=True, num_workers=cores, persistent_workers=True)
    model = nn.Sequential(nn.Flatten(), nn.Linear(3 * SIDE * SIDE, 256), nn.ReLU(), nn.Linear(256, 2))
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-4, fused=True)
    for epoch in range(8):
        total = torch.zeros(())
        for crops, numbers in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(crops), numbers)
            loss.backward()
            optimizer.step()
            total += loss.detach()
        print(f"epoch {epoch}: loss {total.item() / len(loader):.3f}")


if __name__ == "__main__":
    main()
