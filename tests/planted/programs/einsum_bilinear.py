"""How well pairs of patients go together by a bilinear form, for all pairs of a batch.

Planted: einsum-unplanned
By hand: planned once, so that two products are made of one loop over four indices.
"""

import sys

import numpy as np
from sklearn.datasets import load_diabetes

import unslow

FIXED = "--fixed" in sys.argv
BATCH, STEPS = 192, 3_000

patients = load_diabetes().data.astype(np.float32)
random = np.random.default_rng(0)
form = random.normal(size=(10, 10)).astype(np.float32)
order = ["einsum_path", (0, 1), (0, 1)]
total = 0.0
for _ in range(STEPS):
    with unslow.step():
        left, right = (patients[random.integers(0, len(patients), BATCH)] for _ in range(2))
        scores = np.einsum("id,de,je->ij", left, form, right, optimize=order if FIXED else False)
        total += float(scores.max())
print("mean of the best:", total / STEPS)
