"""Guesses what a line of a document is about: bytes through a network in short numbers with dropout after each layer.

Planted: train-mode-at-inference
By hand: `eval()` when the model is built.
"""

import torch
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_wine
from torch import nn

import unslow

SHORT = torch.bfloat16 if torch.ops.mkldnn._is_mkldnn_bf16_supported() else torch.float32  # What the processor has.

LENGTH, LINES, WIDTH = 48, 512, 512


def batches() -> list[torch.Tensor]:
    loads = (load_breast_cancer, load_diabetes, load_digits, load_wine)
    text = "".join(load().DESCR for load in loads).encode("ascii", "replace")
    lines = torch.tensor(list(text)).unfold(0, LENGTH, 2)
    return list(lines[: len(lines) // LINES * LINES].reshape(-1, LINES, LENGTH))


def reader() -> nn.Module:
    torch.manual_seed(0)
    layers: list[nn.Module] = [nn.EmbeddingBag(128, WIDTH), nn.Dropout(0.1)]
    for _ in range(4):
        layers += [nn.Linear(WIDTH, WIDTH), nn.ReLU(), nn.Dropout(0.1)]
    return nn.Sequential(*layers, nn.Linear(WIDTH, 4)).to(SHORT).requires_grad_(False)


@unslow.workload
def planted() -> unslow.Inference:
    return unslow.Inference(reader(), batches())


@unslow.workload
def fixed() -> unslow.Inference:
    return unslow.Inference(reader().eval(), batches())
