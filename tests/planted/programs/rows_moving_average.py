"""Smooths the lines of a photograph with a moving average, some lines a step.

Planted: row-by-row-python
By hand: one cumulative sum over all lines.
"""

import sys

import numpy as np
from sklearn.datasets import load_sample_image

import unslow

FIXED = "--fixed" in sys.argv
LINES, WIDE, STEPS = 16, 15, 3_000

photo = load_sample_image("china.jpg").mean(axis=2, dtype=np.float32)


def smoothed(lines: np.ndarray) -> np.ndarray:
    if FIXED:
        sums = np.cumsum(np.pad(lines, ((0, 0), (1, 0))), axis=1, dtype=np.float64)
        return ((sums[:, WIDE:] - sums[:, :-WIDE]) / WIDE).astype(np.float32)
    means = np.empty((lines.shape[0], lines.shape[1] - WIDE + 1), dtype=np.float32)
    for row in range(means.shape[0]):
        window = 0.0
        for column in range(lines.shape[1]):
            window += lines[row, column]
            if column >= WIDE:
                window -= lines[row, column - WIDE]
            if column >= WIDE - 1:
                means[row, column - WIDE + 1] = window / WIDE
    return means


total = 0.0
for step in range(STEPS):
    with unslow.step():
        start = step * LINES % (len(photo) - LINES)
        total += float(smoothed(photo[start : start + LINES]).mean())
print("mean brightness:", total / STEPS)
