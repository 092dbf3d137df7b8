"""Scores patches of photographs with a wide network, in short numbers and on one thread.

Planted: cores-idle
By hand: `set_num_threads(1)` is left out: PyTorch takes as many threads as there are cores.
"""

import sys

import numpy as np
import torch
from sklearn.datasets import load_sample_images
from sklearn.feature_extraction.image import extract_patches_2d
from torch import nn

SHORT = torch.bfloat16 if torch.ops.mkldnn._is_mkldnn_bf16_supported() else torch.float32  # What the processor has.

FIXED = "--fixed" in sys.argv
SIDE, BATCH, STEPS = 24, 512, 1_500

if not FIXED:
    torch.set_num_threads(1)
torch.manual_seed(0)
photos = load_sample_images().images
patches = np.concatenate(
    [extract_patches_2d(photo, (SIDE, SIDE), max_patches=2_048, random_state=0) for photo in photos]
)
pixels = torch.from_numpy(patches.reshape(len(patches), -1).astype(np.float32) / 255).to(SHORT)
model = nn.Sequential(nn.Linear(SIDE * SIDE * 3, 2048), nn.ReLU(), nn.Linear(2048, 2048), nn.ReLU(), nn.Linear(2048, 8))
model.to(SHORT).eval()
total = torch.zeros(8)
with torch.inference_mode():
    for step in range(STEPS):
        start = step * BATCH % len(pixels)
        total += model(pixels[start : start + BATCH]).mean(dim=0)
print("mean scores:", (total / STEPS).tolist())
