"""Scores crops of two photographs with a small convolutional network in short numbers.

Planted: not-channels-last
By hand: model and photographs are laid out with `torch.channels_last`.
"""

import itertools
import sys

import torch
from sklearn.datasets import load_sample_images
from torch import nn

SHORT = torch.bfloat16 if torch.ops.mkldnn._is_mkldnn_bf16_supported() else torch.float32  # What the processor has.

FIXED = "--fixed" in sys.argv
SIDE, BATCH, STEPS = 128, 8, 1_000

torch.manual_seed(0)
photos = torch.stack([torch.tensor(photo) for photo in load_sample_images().images]).permute(0, 3, 1, 2).to(SHORT) / 255
places = torch.randint(0, 427 - SIDE, (64,)).tolist()
crops = torch.cat([photos[:, :, place : place + SIDE, place : place + SIDE] for place in places]).contiguous()
widths = (3, 64, 64, 128, 128, 256)
blocks = []
for number, (before, after) in enumerate(itertools.pairwise(widths)):
    blocks += [nn.Conv2d(before, after, 3, padding=1), nn.ReLU(inplace=True)]
    blocks += [nn.MaxPool2d(2)] if number % 2 == 0 else []
model = nn.Sequential(*blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(256, 8)).to(SHORT).eval()
if FIXED:
    model, crops = model.to(memory_format=torch.channels_last), crops.to(memory_format=torch.channels_last)
total = torch.zeros(8)
with torch.inference_mode():
    for step in range(STEPS):
        start = step * BATCH % len(crops)
        total += model(crops[start : start + BATCH]).mean(dim=0)
print("mean scores:", (total / STEPS).tolist())
