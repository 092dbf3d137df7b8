"""Trains on patients' measurements that lie in compressed files, one a patient, unpacked whenever one is asked for.

Planted: decoding-repeated
By hand: every file is unpacked once, before the first epoch, and its numbers are kept.
"""

import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from sklearn.datasets import load_diabetes
from torch import nn
from torch.utils.data import DataLoader, Dataset

FIXED = "--fixed" in sys.argv
HOURS = 256


def written(folder):
    """A file for each patient: (256, 10) float32 measurements around the patient's own, and the progression."""
    patients, progression = load_diabetes(return_X_y=True)
    noise = np.random.default_rng(0)
    files = []
    for number, (patient, target) in enumerate(zip(patients, progression, strict=True)):
        hours = (patient + 0.02 * noise.standard_normal((HOURS, 10))).astype(np.float32)
        files.append(folder / f"{number}.npz")
        np.savez_compressed(files[-1], hours=hours, progression=np.float32(target / 350))
    return files


class Patients(Dataset):
    def __init__(self, files):
        self.files = files
        self.kept = [self.unpacked(file) for file in files] if FIXED else None

    def __len__(self):
        return len(self.files)

    def __getitem__(self, index):
        return self.kept[index] if self.kept else self.unpacked(self.files[index])

    @staticmethod
    def unpacked(file):
        with np.load(file) as arrays:
            return arrays["hours"], arrays["progression"]


def main():
    torch.manual_seed(0)
    torch.set_num_threads(1)  # The network is too small for more.
    with tempfile.TemporaryDirectory() as folder:
        loader = DataLoader(Patients(written(Path(folder))), batch_size=32, shuffle=True, drop_last=True)
        model = nn.Sequential(nn.Flatten(), nn.Linear(HOURS * 10, 128), nn.ReLU(), nn.Linear(128, 1))
        optimizer = torch.optim.AdamW(model.parameters(), lr=3e-4, fused=True)
        for epoch in range(400):
            total = torch.zeros(())
            for hours, progression in loader:
                optimizer.zero_grad()
                loss = nn.functional.mse_loss(model(hours)[:, 0], progression)
                loss.backward()
                optimizer.step()
                total += loss.detach()
            if epoch % 10 == 0:
                print(f"epoch {epoch}: loss {total.item() / len(loader):.4f}")


if __name__ == "__main__":
    main()
