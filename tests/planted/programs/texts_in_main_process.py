"""Trains a classifier of passages of scikit-learn's own documentation, whose words are found anew as they come.

Planted: loader-in-main-process
By hand: the DataLoader gets num_workers=2 and persistent_workers=True.
"""

import inspect
import random
import re
import sys
import zlib

import sklearn.cluster
import sklearn.linear_model
import sklearn.neighbors
import sklearn.svm
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

FIXED = "--fixed" in sys.argv
MODULES = (sklearn.cluster, sklearn.linear_model, sklearn.neighbors, sklearn.svm)
WORDS, LENGTH = 4096, 192


class Passages(Dataset):
    """(192,) numbers of words from a random place of a class's documentation, some left out, and its module."""

    def __init__(self, length):
        self.length = length
        self.texts = [
            (inspect.getdoc(getattr(module, name)) or "", label)
            for label, module in enumerate(MODULES)
            for name in module.__all__
        ]
        self.texts = [(text, label) for text, label in self.texts if len(text) > 3000]

    def __len__(self):
        return self.length

    def __getitem__(self, index):
        text, label = self.texts[index % len(self.texts)]
        start = random.randrange(len(text) - 2000)
        words = re.findall(r"\w+|[^\w\s]", text[start : start + 2000].lower())
        kept = [zlib.crc32(word.encode()) % WORDS for word in words if random.random() > 0.1][:LENGTH]
        return torch.tensor(kept + [0] * (LENGTH - len(kept))), label


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(WORDS, 64)
        self.layers = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, len(MODULES)))

    def forward(self, words):
        return self.layers(self.embedding(words).mean(1))


def main():
    torch.manual_seed(0)
    torch.set_num_threads(1)  # The network is too small for more.
    workers = {"num_workers": 2, "persistent_workers": True} if FIXED else {}
    loader = DataLoader(Passages(32768), batch_size=64, shuffle=True, drop_last=True, **workers)
    model = Classifier()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, fused=True)
    for epoch in range(15):
        total = torch.zeros(())
        for words, labels in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(words), labels)
            loss.backward()
            optimizer.step()
            total += loss.detach()
        print(f"epoch {epoch}: loss {total.item() / len(loader):.3f}")


if __name__ == "__main__":
    main()
