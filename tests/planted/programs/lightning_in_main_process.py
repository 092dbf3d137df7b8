"""Trains a digit classifier with Lightning, on digits that are turned and moved at random as they come.

Planted: loader-in-main-process
By hand: the DataLoader gets num_workers=2 and persistent_workers=True.
"""

import random
import sys
import tempfile
import warnings

import lightning
import numpy as np
import torch
from PIL import Image
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, Dataset

FIXED = "--fixed" in sys.argv


class Digits(Dataset):
    """(1, 32, 32) float32 digits, turned by up to 20 degrees, with noise as of a camera, and what they are."""

    def __init__(self):
        digits = load_digits()
        self.images = [Image.fromarray((image * 15).astype(np.uint8)) for image in digits.images]
        self.labels = digits.target.tolist()

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        image = self.images[index].resize((128, 128), Image.BICUBIC)
        image = image.rotate(random.uniform(-20, 20), Image.BICUBIC).resize((32, 32), Image.LANCZOS)
        return torch.from_numpy(np.asarray(image, np.float32) / 255)[None], self.labels[index]


class Classifier(lightning.LightningModule):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(1, 16, 3, stride=2), nn.ReLU(), nn.Conv2d(16, 32, 3, stride=2), nn.ReLU(), nn.Flatten(),
            nn.Linear(1568, 10),
        ).to(memory_format=torch.channels_last)  # fmt: skip

    def forward(self, images):
        return self.layers(images.contiguous(memory_format=torch.channels_last))

    def training_step(self, batch, index):
        images, labels = batch
        return nn.functional.cross_entropy(self(images), labels)

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.05, momentum=0.9, fused=True)


def main():
    warnings.filterwarnings("ignore")
    lightning.seed_everything(0)
    torch.set_num_threads(1)  # The network is too small for more.
    workers = {"num_workers": 2, "persistent_workers": True} if FIXED else {}
    loader = DataLoader(Digits(), batch_size=64, shuffle=True, drop_last=True, **workers)
    with tempfile.TemporaryDirectory() as folder:
        trainer = lightning.Trainer(
            max_epochs=80, accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False,
            enable_model_summary=False, default_root_dir=folder,
        )  # fmt: skip
        trainer.fit(Classifier(), loader)


if __name__ == "__main__":
    main()
