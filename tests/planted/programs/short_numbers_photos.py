"""Computes features of parts of photographs with convolutions whose weights were saved in bfloat16.

Planted: short-numbers-emulated
By hand: the weights are made float32 when they are loaded.
Shows where: bfloat16/float32:conv above 1.2
"""

import torch
from sklearn.datasets import load_sample_images
from torch import nn

import unslow

TOGETHER, SIDE = 8, 96


def parts(kind: torch.dtype) -> list[torch.Tensor]:
    """(TOGETHER, 3, SIDE, SIDE) each, in channels-last order."""
    photos = [torch.tensor(photo).permute(2, 0, 1) / 255 for photo in load_sample_images().images]
    cut = [
        photo[:, top : top + SIDE, left : left + SIDE]
        for photo in photos
        for top in range(0, 320, 32)
        for left in range(0, 512, 64)
    ]
    batches = torch.stack(cut).to(kind).split(TOGETHER)
    return [batch.contiguous(memory_format=torch.channels_last) for batch in batches]


def features(kind: torch.dtype) -> nn.Module:
    torch.manual_seed(0)
    layers = [
        part
        for before, after in ((3, 32), (32, 64), (64, 64))
        for part in (nn.Conv2d(before, after, 3, stride=2, padding=1), nn.ReLU())
    ]
    model = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten()).eval().requires_grad_(False)
    return model.to(kind, memory_format=torch.channels_last)


@unslow.workload
def planted() -> unslow.Inference:
    return unslow.Inference(features(torch.bfloat16), parts(torch.bfloat16))


@unslow.workload
def fixed() -> unslow.Inference:
    return unslow.Inference(features(torch.float32), parts(torch.float32))
