"""Projects scanned digits on random directions and back, a page of scans a step.

Planted: nothing
By hand: nothing is left to remove: float32, large products, no loop.
"""

import numpy as np
from sklearn.datasets import load_digits

import unslow

ROWS, STEPS = 512, 4_000

scans = (load_digits().data / 16).astype(np.float32)
directions = np.random.default_rng(0).normal(size=(64, 1_024)).astype(np.float32) / 32
total = 0.0
for step in range(STEPS):
    with unslow.step():
        start = step * 64 % (len(scans) - ROWS)
        again = (scans[start : start + ROWS] @ directions) @ directions.T
        total += float(again[:, 0].mean())
print("mean of the first pixel:", total / STEPS)
