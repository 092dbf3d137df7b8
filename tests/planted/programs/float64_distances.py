"""Finds the nearest scanned digit of each of a batch of queries, by distances in pixels.

Planted: float64-compute
By hand: the table is cast to float32 once, when it is read; NumPy's scalers had made it float64.
"""

import sys

import numpy as np
from sklearn.datasets import load_digits

import unslow

FIXED = "--fixed" in sys.argv
BATCH, STEPS = 256, 3_000

scans = load_digits().data
scans = (scans - scans.mean()) / scans.std()
table = np.concatenate([scans, np.roll(scans, 1, axis=1), np.roll(scans, -1, axis=1)])
if FIXED:
    table = table.astype(np.float32)
squares = (table**2).sum(axis=1)
random = np.random.default_rng(0)
found = 0
for _ in range(STEPS):
    with unslow.step():
        queries = table[random.integers(0, len(table), BATCH)]
        distances = squares - 2 * (queries @ table.T)
        found += int(distances.argmin(axis=1).sum())
print("sum of the nearest:", found)
