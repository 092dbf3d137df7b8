"""Trains a small network to tell from which photo a view of it was taken, on photos that are decoded as they come.

    python train.py --epochs 20            # the whole photo, always the same
    python train.py --epochs 20 --augment  # a random crop, mirrored at random

Every view is decoded from its JPEG file when it is asked for, as most training scripts begin.
"""

import argparse
import random
from importlib.util import find_spec
from pathlib import Path

import torch
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader, Dataset

SIDE = 64
VIEWS = 6  # of each photo, in an epoch


def photo_files():
    """The JPEG photos that scikit-image and foolbox ship with."""
    folders = [Path(find_spec(name).origin).parent / "data" for name in ("skimage", "foolbox")]
    return [file for folder in folders for file in sorted(folder.glob("*.jpg"))]


class Photos(Dataset):
    """(3, 64, 64) float32 views between 0 and 1, and the number of the photo."""

    def __init__(self, files, augment):
        self.files = files
        self.augment = augment

    def __len__(self):
        return VIEWS * len(self.files)

    def __getitem__(self, index):
        number = index % len(self.files)
        photo = Image.open(self.files[number]).convert("RGB")
        photo = random_view(photo) if self.augment else fixed_view(photo, index // len(self.files))
        photo = photo.resize((SIDE, SIDE), Image.BICUBIC)
        pixels = torch.frombuffer(bytearray(photo.tobytes()), dtype=torch.uint8)
        return pixels.reshape(SIDE, SIDE, 3).permute(2, 0, 1).float() / 255, number


def random_view(photo):
    side = int(min(photo.size) * random.uniform(0.5, 1.0))
    left, top = random.randint(0, photo.width - side), random.randint(0, photo.height - side)
    photo = photo.crop((left, top, left + side, top + side))
    return photo.transpose(Image.FLIP_LEFT_RIGHT) if random.random() < 0.5 else photo


def fixed_view(photo, view):
    """Of view 0 the whole middle, of the others a part of it."""
    side = int(min(photo.size) * (1.0 - 0.1 * view))
    left, top = (photo.width - side) // 2, (photo.height - side) // 2
    return photo.crop((left, top, left + side, top + side))


def network(classes):
    def block(inside, outside):
        return nn.Sequential(
            nn.Conv2d(inside, outside, 3, padding=1), nn.BatchNorm2d(outside), nn.ReLU(), nn.MaxPool2d(2)
        )

    return nn.Sequential(
        block(3, 8), block(8, 16), block(16, 32), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, classes)
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--augment", action="store_true")
    options = parser.parse_args()

    torch.manual_seed(0)
    random.seed(0)
    files = photo_files()
    loader = DataLoader(Photos(files, options.augment), batch_size=options.batch_size, shuffle=True, drop_last=True)
    model = network(len(files))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)

    for epoch in range(options.epochs):
        total = 0.0
        for photos, numbers in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(photos), numbers)
            loss.backward()
            optimizer.step()
            total += loss.item()
        print(f"epoch {epoch}: loss {total / len(loader):.3f}")
    torch.save(model.state_dict(), "photos.pt")


if __name__ == "__main__":
    main()
