"""Small torch models with their requests, one for each kind of input that converters treat differently."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np

torch: Any = importlib.import_module("torch")

Requests = list[dict[str, Any]]
VOCABULARY = 50


class Encoder(torch.nn.Module):
    """A small transformer: ids and mask in, a dict of logits and hidden states out; dropout in training mode."""

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        self.embedding = torch.nn.Embedding(VOCABULARY, width)
        self.layer = torch.nn.TransformerEncoderLayer(width, 4, 2 * width, batch_first=True)
        self.head = torch.nn.Linear(width, 5)

    def forward(self, ids: Any, mask: Any) -> dict[str, Any]:
        hidden = self.layer(self.embedding(ids), src_key_padding_mask=mask == 0)
        return {"logits": self.head(hidden[:, 0]), "hidden": hidden}


class Convolutions(torch.nn.Module):
    """A small image classifier with batch normalisation; gives one tensor."""

    def __init__(self) -> None:
        super().__init__()
        self.first = torch.nn.Conv2d(3, 8, 3, padding=1)
        self.norm = torch.nn.BatchNorm2d(8)
        self.second = torch.nn.Conv2d(8, 16, 3, stride=2)
        self.head = torch.nn.Linear(16, 4)

    def forward(self, image: Any) -> Any:
        hidden = torch.relu(self.norm(self.first(image)))
        return self.head(torch.relu(self.second(hidden)).mean((2, 3)))


def encoder() -> tuple[Any, Requests]:
    """The transformer in evaluation mode, with requests of five lengths."""
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    requests = [
        {"ids": rng.integers(0, VOCABULARY, (1, length)), "mask": np.ones((1, length), np.int64)}
        for length in (4, 7, 9, 5, 12)
    ]
    return Encoder().eval(), requests


def perceptron() -> tuple[Any, Requests]:
    """Two linear layers, in evaluation mode, with requests of one shape."""
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    module = torch.nn.Sequential(torch.nn.Linear(16, 64), torch.nn.ReLU(), torch.nn.Linear(64, 4))
    return module.eval(), [{"input": rng.standard_normal((1, 16), np.float32)} for _ in range(8)]


def convolutions() -> tuple[Any, Requests]:
    """The image classifier in evaluation mode, with requests of one shape."""
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    return Convolutions().eval(), [{"image": rng.standard_normal((1, 3, 16, 16), np.float32)} for _ in range(8)]
