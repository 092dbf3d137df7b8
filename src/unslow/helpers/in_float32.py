"""Gives the items of a data set in 32-bit floats, where they are made in 64-bit ones (as NumPy makes them).

Items are made of arrays, tensors and numbers, in dicts, lists and tuples; what else they hold stays as it is.
"""

import numpy as np


class InFloat32:
    """`DataLoader(InFloat32(dataset), ...)`."""

    def __init__(self, dataset):
        self.dataset = dataset

    def __len__(self):
        return len(self.dataset)

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self.dataset, name)

    def __getitem__(self, index):
        return _in_float32(self.dataset[index])


def _in_float32(item):
    if isinstance(item, dict):
        return {key: _in_float32(value) for key, value in item.items()}
    if isinstance(item, tuple) and hasattr(item, "_fields"):
        return type(item)(*map(_in_float32, item))
    if isinstance(item, (list, tuple)):
        return type(item)(map(_in_float32, item))
    if hasattr(item, "detach"):
        return item.float() if str(item.dtype) == "torch.float64" else item
    if isinstance(item, (float, np.float64)):
        return np.float32(item)
    return item.astype(np.float32) if isinstance(item, np.ndarray) and item.dtype == np.float64 else item
