"""Looks for the period in each part of the lines of photographs, by how alike it is to itself further on.

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
lines -= lines.mean(axis=1, keepdims=True)
cores = len(os.sched_getaffinity(0))
random = np.random.default_rng(0)
found = 0
for _ in range(STEPS):
    with unslow.step():
        left = int(random.integers(0, lines.shape[1] - LENGTH))
        spectrum = fft.rfft(lines[:, left : left + LENGTH], n=2 * LENGTH, workers=cores)
        alike = fft.irfft(spectrum * spectrum.conj(), workers=cores)
        found += int(alike[:, 8 : LENGTH // 2].argmax(axis=1).sum())
print("sum of the periods:", found)
