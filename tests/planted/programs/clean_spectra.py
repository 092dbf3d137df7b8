"""Looks for the most frequent period in each part of the lines of photographs, a photograph's lines a step.

Planted: nothing
By hand: nothing is left to remove: whole tables at once, in float32, on all cores.
"""

import os

import numpy as np
from scipy import fft
from sklearn.datasets import load_sample_images

import unslow

STEPS, LENGTH = 4_000, 512

photos = [photo.mean(axis=2).astype(np.float32) for photo in load_sample_images().images]
lines = np.concatenate(photos)
window = np.hanning(LENGTH).astype(np.float32)
cores = len(os.sched_getaffinity(0))
random = np.random.default_rng(0)
found = 0
for _ in range(STEPS):
    with unslow.step():
        left = int(random.integers(0, lines.shape[1] - LENGTH))
        part = lines[:, left : left + LENGTH]
        spectrum = fft.rfft((part - part.mean(axis=1, keepdims=True)) * window, workers=cores)
        power = spectrum.real**2 + spectrum.imag**2
        found += int(power[:, 1:].argmax(axis=1).sum())
print("sum of the periods:", found)
