"""Trains on small views of two photos; each worker reads its index before its first batch, and ends with the epoch.

Planted: loader-workers-restart
By hand: the DataLoader gets persistent_workers=True.
"""

import json
import random
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from sklearn.datasets import load_sample_images
from torch import nn
from torch.utils.data import DataLoader, Dataset

FIXED = "--fixed" in sys.argv
SIDE = 24


class Views(Dataset):
    """(3, 24, 24) float32 views, mirrored at random, and the number of the photo."""

    def __init__(self, index_file):
        self.photos = [np.ascontiguousarray(photo.transpose(2, 0, 1)) for photo in load_sample_images().images]
        self.index_file, self.index = index_file, None

    def __len__(self):
        return 768

    def __getitem__(self, place):
        if self.index is None:
            self.index = json.loads(self.index_file.read_text())
        photo, top, left = self.index[place]
        view = self.photos[photo][:, top : top + SIDE, left : left + SIDE]
        view = view[:, :, ::-1] if random.random() < 0.5 else view
        return torch.from_numpy(view.astype(np.float32) / 255), photo


def index_of(places):
    """Photo, row and column of every view; the training uses the first of them."""
    numbers = random.Random(0)
    return [[place % 2, numbers.randrange(400), numbers.randrange(600)] for place in range(places)]


def main():
    torch.manual_seed(0)
    torch.set_num_threads(1)  # The other core is for the workers.
    with tempfile.TemporaryDirectory() as folder:
        index_file = Path(folder) / "index.json"
        index_file.write_text(json.dumps(index_of(20_000)))
        loader = DataLoader(Views(index_file), batch_size=64, shuffle=True, num_workers=2, persistent_workers=FIXED)
        model = nn.Sequential(
            nn.Flatten(), nn.Linear(3 * SIDE * SIDE, 768), nn.ReLU(), nn.Linear(768, 256), nn.ReLU(), nn.Linear(256, 2)
        )
        optimizer = torch.optim.AdamW(model.parameters(), lr=3e-4, fused=True)
        for epoch in range(200):
            total = torch.zeros(())
            for views, photos in loader:
                optimizer.zero_grad()
                loss = nn.functional.cross_entropy(model(views), photos)
                loss.backward()
                optimizer.step()
                total += loss.detach()
            if epoch % 20 == 0:
                print(f"epoch {epoch}: loss {total.item() / len(loader):.3f}")


if __name__ == "__main__":
    main()
