"""Trains a small network to tell two photos apart by random crops of them, which are decoded as they come.

Planted: loader-in-main-process
By hand: the DataLoader gets num_workers=2 and persistent_workers=True.
"""

import io
import random
import sys

import torch
from PIL import Image
from sklearn.datasets import load_sample_images
from torch import nn
from torch.utils.data import DataLoader, Dataset

FIXED = "--fixed" in sys.argv


class Crops(Dataset):
    """(3, 64, 64) float32 crops, another one each time, and the number of the photo."""

    def __init__(self, length):
        self.length = length
        self.files = [jpeg(photo) for photo in load_sample_images().images]

    def __len__(self):
        return self.length

    def __getitem__(self, index):
        number = index % len(self.files)
        photo = Image.open(io.BytesIO(self.files[number])).convert("RGB")
        left, top = random.randint(0, photo.width - 256), random.randint(0, photo.height - 256)
        crop = photo.crop((left, top, left + 256, top + 256)).resize((64, 64), Image.BICUBIC)
        pixels = torch.frombuffer(bytearray(crop.tobytes()), dtype=torch.uint8)
        return pixels.view(64, 64, 3).permute(2, 0, 1).float() / 255, number


def jpeg(photo):
    file = io.BytesIO()
    Image.fromarray(photo).save(file, "JPEG", quality=90)
    return file.getvalue()


def main():
    torch.manual_seed(0)
    torch.set_num_threads(1)  # The network is too small for more.
    workers = {"num_workers": 2, "persistent_workers": True} if FIXED else {}
    loader = DataLoader(Crops(2048), batch_size=32, shuffle=True, drop_last=True, **workers)
    model = nn.Sequential(
        nn.Conv2d(3, 16, 3, stride=2), nn.ReLU(), nn.Conv2d(16, 32, 3, stride=2), nn.ReLU(),
        nn.Conv2d(32, 32, 3, stride=2), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(128, 2),
    ).to(memory_format=torch.channels_last)  # fmt: skip
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)
    for epoch in range(12):
        total = torch.zeros(())
        for photos, numbers in loader:
            optimizer.zero_grad()
            photos = photos.contiguous(memory_format=torch.channels_last)
            loss = nn.functional.cross_entropy(model(photos), numbers)
            loss.backward()
            optimizer.step()
            total += loss.detach()
        print(f"epoch {epoch}: loss {total.item() / len(loader):.3f}")


if __name__ == "__main__":
    main()
