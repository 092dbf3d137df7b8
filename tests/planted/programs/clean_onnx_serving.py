"""Serves an ONNX model of photographs' patches with one session, some hundreds of patches a request.

Planted: nothing
By hand: nothing is left to remove: one session, its default threads, large batches.
"""

import tempfile
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from sklearn.datasets import load_sample_images
from sklearn.feature_extraction.image import extract_patches_2d
from torch import nn

SIDE, BATCH, STEPS = 16, 512, 2_500

torch.manual_seed(0)
photos = load_sample_images().images
patches = np.concatenate(
    [extract_patches_2d(photo, (SIDE, SIDE), max_patches=2_048, random_state=0) for photo in photos]
)
pixels = patches.reshape(len(patches), -1).astype(np.float32) / 255
model = nn.Sequential(nn.Linear(SIDE * SIDE * 3, 2048), nn.ReLU(), nn.Linear(2048, 1024), nn.ReLU(), nn.Linear(1024, 8))
with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "patches.onnx"
    example = (torch.zeros(2, SIDE * SIDE * 3),)
    torch.onnx.export(
        model.eval(), example, path, dynamo=False, input_names=["pixels"], dynamic_axes={"pixels": {0: "rows"}}
    )
    session = onnxruntime.InferenceSession(path)
counted = np.zeros(8, dtype=np.int64)
for step in range(STEPS):
    start = step * BATCH % len(pixels)
    (scores,) = session.run(None, {"pixels": pixels[start : start + BATCH]})
    counted += np.bincount(scores.argmax(axis=1), minlength=8)
print("patches of each kind:", counted.tolist())
