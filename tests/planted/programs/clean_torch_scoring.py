"""Rebuilds patches of photographs with a linear auto-encoder in short numbers, a thousand at a time.

Planted: nothing
By hand: nothing is left to remove: evaluation mode, no gradients, large products.
"""

import numpy as np
import torch
from sklearn.datasets import load_sample_images
from sklearn.feature_extraction.image import extract_patches_2d
from torch import nn

SHORT = torch.bfloat16 if torch.ops.mkldnn._is_mkldnn_bf16_supported() else torch.float32  # What the processor has.

SIDE, BATCH, STEPS = 24, 1_024, 1_000

torch.manual_seed(0)
photos = load_sample_images().images
patches = np.concatenate(
    [extract_patches_2d(photo, (SIDE, SIDE), max_patches=2_048, random_state=0) for photo in photos]
)
pixels = torch.from_numpy(patches.reshape(len(patches), -1).astype(np.float32) / 255).to(SHORT)
model = (
    nn.Sequential(nn.Linear(SIDE * SIDE * 3, 2048, bias=False), nn.Linear(2048, SIDE * SIDE * 3, bias=False))
    .to(SHORT)
    .eval()
)
total = torch.zeros(SIDE * SIDE * 3)
with torch.inference_mode():
    for step in range(STEPS):
        start = step * BATCH % len(pixels)
        total += model(pixels[start : start + BATCH]).mean(dim=0)
print("mean brightness:", float(total.mean() / STEPS))
