"""Softmax regression on scikit-learn's digits by gradient descent, in NumPy alone."""

import sys

import numpy as np
from sklearn.datasets import load_digits

import unslow

rng = np.random.default_rng(0)
images, labels = load_digits(return_X_y=True)
images = np.hstack([images / 16, rng.standard_normal((len(images), 400))])
wanted = np.eye(10)[labels]
weights = np.zeros((images.shape[1], 10))
for epoch in range(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000):
    with unslow.step():
        scores = images @ weights
        scores -= scores.max(axis=1, keepdims=True)
        chances = np.exp(scores)
        chances /= chances.sum(axis=1, keepdims=True)
        weights -= 0.1 * images.T @ (chances - wanted) / len(images)
        if epoch % 10 == 0:
            print("loss", -np.log(chances[np.arange(len(labels)), labels]).mean())
