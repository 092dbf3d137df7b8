"""Groups scanned digits by k-means, one round over the whole table a step.

Planted: nothing
By hand: nothing is left to remove: distances and means are products of matrices, in float32.
"""

import numpy as np
from sklearn.datasets import load_digits

import unslow

GROUPS, STEPS, RESTARTED = 256, 20_000, 50

scans = (load_digits().data / 16).astype(np.float32)
squares = (scans**2).sum(axis=1, keepdims=True)
random = np.random.default_rng(0)
rows = np.arange(len(scans))
for step in range(STEPS):
    if step % RESTARTED == 0:
        centres = scans[random.choice(len(scans), GROUPS, replace=False)]
    with unslow.step():
        nearest = (squares - 2 * (scans @ centres.T) + (centres**2).sum(axis=1)).argmin(axis=1)
        belongs = np.zeros((GROUPS, len(scans)), dtype=np.float32)
        belongs[nearest, rows] = 1
        centres = (belongs @ scans) / np.maximum(belongs.sum(axis=1, keepdims=True), 1)
print("groups in use:", len(np.unique(nearest)))
