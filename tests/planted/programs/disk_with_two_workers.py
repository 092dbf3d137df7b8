"""Trains an LSTM on stretches of sound read from a slow disk, 15 ms each.

Planted: too-few-loader-workers
By hand: num_workers is raised from 2 to 32, since workers wait for the disk rather than compute.
"""

import math
import random
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

FIXED = "--fixed" in sys.argv
SEEK_S = 0.015


class Tones(Dataset):
    """(40, 16) float32 stretches of a tone from a random place in its file, and whether it rises."""

    def __init__(self, folder):
        self.files = []
        for number in range(64):
            sign, seconds = number % 2 * 2 - 1, np.linspace(0, 1, 8000)
            sound = np.sin(2 * math.pi * (200 + number + 60 * sign * seconds) * seconds).astype(np.float32)
            self.files.append(folder / f"{number}.npy")
            np.save(self.files[-1], sound)

    def __len__(self):
        return 1024

    def __getitem__(self, index):
        number = index % len(self.files)
        time.sleep(SEEK_S)  # What the disk takes to find the file.
        sound = np.load(self.files[number], mmap_mode="r")
        start = random.randrange(len(sound) - 640)
        return torch.from_numpy(np.array(sound[start : start + 640])).view(40, 16), number % 2


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(16, 64, batch_first=True)
        self.head = nn.Linear(64, 2)

    def forward(self, sounds):
        return self.head(self.lstm(sounds)[0][:, -1])


def main():
    torch.manual_seed(0)
    torch.set_num_threads(1)  # The network is too small for more.
    with tempfile.TemporaryDirectory() as folder:
        loader = DataLoader(
            Tones(Path(folder)),
            batch_size=32,
            shuffle=True,
            num_workers=32 if FIXED else 2,
            persistent_workers=True,
        )
        model = Classifier()
        optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)
        for epoch in range(10):
            total = torch.zeros(())
            for sounds, rising in loader:
                optimizer.zero_grad()
                loss = nn.functional.cross_entropy(model(sounds), rising)
                loss.backward()
                optimizer.step()
                total += loss.detach()
            print(f"epoch {epoch}: loss {total.item() / len(loader):.3f}")


if __name__ == "__main__":
    main()
