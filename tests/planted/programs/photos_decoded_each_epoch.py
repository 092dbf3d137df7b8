"""Trains a small network on crops of two photos that lie as JPEG files, always the same ones.

Planted: decoding-repeated
By hand: every crop is decoded once, before the first epoch, and kept as a tensor.
"""

import sys
import tempfile
from pathlib import Path

import torch
from PIL import Image
from sklearn.datasets import load_sample_images
from torch import nn
from torch.utils.data import DataLoader, Dataset

FIXED = "--fixed" in sys.argv


def written(folder, count):
    """JPEG files of crops of 256 by 256 pixels."""
    photos = [Image.fromarray(photo) for photo in load_sample_images().images]
    files = []
    for number in range(count):
        left, top = number * 7 % 384, number * 3 % 171
        files.append(folder / f"{number}.jpg")
        photos[number % 2].crop((left, top, left + 256, top + 256)).save(files[-1], quality=90)
    return files


class Crops(Dataset):
    """(3, 64, 64) uint8 pixels of a file, and the number of its photo."""

    def __init__(self, files):
        self.files = files
        self.kept = [self.decoded(file) for file in files] if FIXED else None

    def __len__(self):
        return len(self.files)

    def __getitem__(self, index):
        return self.kept[index] if self.kept else self.decoded(self.files[index]), index % 2

    @staticmethod
    def decoded(file):
        crop = Image.open(file).convert("RGB").resize((64, 64), Image.BICUBIC)
        return torch.frombuffer(bytearray(crop.tobytes()), dtype=torch.uint8).view(64, 64, 3).permute(2, 0, 1)


def main():
    torch.manual_seed(0)
    torch.set_num_threads(1)  # The network is too small for more.
    with tempfile.TemporaryDirectory() as folder:
        loader = DataLoader(
            Crops(written(Path(folder), 512)), batch_size=32, shuffle=True, num_workers=1, persistent_workers=True
        )
        model = nn.Sequential(
            nn.Conv2d(3, 16, 3, stride=2), nn.ReLU(), nn.Conv2d(16, 32, 3, stride=2), nn.ReLU(),
            nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear(512, 2),
        ).to(memory_format=torch.channels_last)  # fmt: skip
        optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)
        for epoch in range(40):
            total = torch.zeros(())
            for photos, numbers in loader:
                optimizer.zero_grad()
                photos = photos.to(memory_format=torch.channels_last).float() / 255
                loss = nn.functional.cross_entropy(model(photos), numbers)
                loss.backward()
                optimizer.step()
                total += loss.detach()
            print(f"epoch {epoch}: loss {total.item() / len(loader):.3f}")


if __name__ == "__main__":
    main()
