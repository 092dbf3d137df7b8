"""Trains a small network on digits that lie in an object store, each an object of its own.

    python train.py --epochs 20                        # starts a store of its own, and ends it
    python train.py --epochs 20 --endpoint HOST:PORT   # with the objects that are there already
    python train.py --epochs 20 --augment              # a digit is moved and made brighter at random

Every digit is fetched by its key when it is asked for, as most training scripts begin.
"""

import argparse
import contextlib
import functools
import io
import os
import random

import numpy as np
import torch
from minio import Minio
from PIL import Image
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, Dataset

import store

BUCKET = "digits"


@functools.cache
def client_of(process, endpoint):
    """The store's client; each process has its own, for a connection cannot be shared."""
    return Minio(endpoint, store.KEY, store.SECRET, secure=False, region="us-east-1")


def upload(endpoint, count):
    """The first `count` digits of scikit-learn as PNG files, under keys like 7/0042.png."""
    client, digits = client_of(os.getpid(), endpoint), load_digits()
    client.make_bucket(BUCKET)
    for number, (image, label) in enumerate(zip(digits.images[:count], digits.target[:count], strict=True)):
        file = io.BytesIO()
        Image.fromarray((image * 15).astype(np.uint8)).save(file, "PNG")
        client.put_object(BUCKET, f"{label}/{number:04}.png", io.BytesIO(file.getvalue()), file.tell())


class Digits(Dataset):
    """(1, 8, 8) float32 images between 0 and 1, and the digit."""

    def __init__(self, endpoint, augment):
        self.endpoint = endpoint
        self.augment = augment
        listed = client_of(os.getpid(), endpoint).list_objects(BUCKET, recursive=True)
        self.keys = sorted(item.object_name for item in listed)

    def __len__(self):
        return len(self.keys)

    def __getitem__(self, index):
        key = self.keys[index]
        answer = client_of(os.getpid(), self.endpoint).get_object(BUCKET, key)
        try:
            image = Image.open(io.BytesIO(answer.read()))
        finally:
            answer.close()
            answer.release_conn()
        pixels = torch.from_numpy(np.array(image, np.float32) / 255)
        if self.augment:
            pixels = moved(pixels) * random.uniform(0.8, 1.0)
        return pixels[None], int(key.partition("/")[0])


def moved(pixels):
    return torch.roll(pixels, (random.randint(-1, 1), random.randint(-1, 1)), (0, 1))


def network():
    def block(inside, outside):
        return nn.Sequential(nn.Conv2d(inside, outside, 3, padding=1), nn.BatchNorm2d(outside), nn.ReLU())

    return nn.Sequential(
        block(1, 48), block(48, 96), block(96, 96), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(384, 10)
    )


def train(endpoint, options):
    torch.manual_seed(0)
    random.seed(0)
    digits = Digits(endpoint, options.augment)
    loader = DataLoader(digits, batch_size=options.batch_size, shuffle=True, drop_last=True)
    model = network()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for epoch in range(options.epochs):
        total = 0.0
        for images, labels in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(images), labels)
            loss.backward()
            optimizer.step()
            total += loss.item()
        print(f"epoch {epoch}: loss {total / len(loader):.3f}")
    torch.save(model.state_dict(), "digits.pt")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--digits", type=int, default=512)
    parser.add_argument("--augment", action="store_true")
    parser.add_argument("--endpoint", help="an S3 server that is there already, with the digits in it")
    parser.add_argument("--round-trip-ms", type=float, default=20.0)
    options = parser.parse_args()

    with contextlib.ExitStack() as stack:
        endpoint = options.endpoint
        if endpoint is None:
            endpoint, straight = stack.enter_context(store.served(options.round_trip_ms))
            upload(straight, options.digits)
        train(endpoint, options)


if __name__ == "__main__":
    main()
