"""How often the colours of two photographs meet at the same place, a strip at a time.

Planted: row-by-row-python
By hand: `numpy.bincount` of the pairs' numbers.
"""

import sys

import numpy as np
from sklearn.datasets import load_sample_images

import unslow

FIXED = "--fixed" in sys.argv
LEVELS, HEIGHT, STEPS = 16, 20, 4_000

first, second = (photo.mean(axis=2).astype(np.uint8) // (256 // LEVELS) for photo in load_sample_images().images)
counts = np.zeros((LEVELS, LEVELS), dtype=np.int64)
for step in range(STEPS):
    with unslow.step():
        top = step * HEIGHT % (len(first) - HEIGHT)
        here, there = (photo[top : top + HEIGHT].astype(np.int64).ravel() for photo in (first, second))
        if FIXED:
            counts += np.bincount(here * LEVELS + there, minlength=LEVELS**2).reshape(LEVELS, LEVELS)
        else:
            for i in range(len(here)):
                counts[here[i], there[i]] += 1
print("most often together:", int(counts.max()))
