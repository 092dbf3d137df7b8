"""Scores patches of two photographs with a network in short numbers that has dropout, a batch of patches at a time.

Planted: train-mode-at-inference
By hand: `model.eval()` before the loop.
"""

import sys

import numpy as np
import torch
from sklearn.datasets import load_sample_images
from sklearn.feature_extraction.image import extract_patches_2d
from torch import nn

SHORT = torch.bfloat16 if torch.ops.mkldnn._is_mkldnn_bf16_supported() else torch.float32  # What the processor has.

FIXED = "--fixed" in sys.argv
SIDE, BATCH, WIDTH, STEPS = 8, 1_024, 1_024, 3_000

torch.manual_seed(0)
photos = load_sample_images().images
patches = np.concatenate(
    [extract_patches_2d(photo, (SIDE, SIDE), max_patches=4_096, random_state=0) for photo in photos]
)
pixels = torch.from_numpy(patches.reshape(len(patches), -1).astype(np.float32) / 255).to(SHORT)
model = nn.Sequential(
    nn.Linear(SIDE * SIDE * 3, WIDTH), nn.ReLU(), nn.Linear(WIDTH, WIDTH), nn.ReLU(),
    nn.Linear(WIDTH, WIDTH), nn.ReLU(), nn.Dropout(0.2), nn.Linear(WIDTH, 8),
).to(SHORT)  # fmt: skip
if FIXED:
    model.eval()
seen = torch.zeros(8)
with torch.inference_mode():
    for step in range(STEPS):
        start = step * BATCH % len(pixels)
        seen += model(pixels[start : start + BATCH]).mean(dim=0)
print("mean scores:", (seen / STEPS).tolist())
