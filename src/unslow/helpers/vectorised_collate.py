"""Joins the items of a batch field by field, each in one operation: a `collate_fn` for a `DataLoader`.

`Joined((Field(0, "torch.float32"), Field(1, "torch.int64")))` makes a tuple of two tensors from items that are pairs.
All items must be alike: an item of another shape raises an error.
"""

import numpy as np
import torch


class Field:
    """What the items hold at `place` (None: the items themselves), as one array of that type.

    `shape` is the shape of one item's part in the result, where it is not its own.
    """

    def __init__(self, place, dtype, shape=None):
        self.place, self.dtype, self.shape = place, dtype, shape

    def __call__(self, items):
        values = items if self.place is None else [item[self.place] for item in items]
        joined = torch.stack(tuple(values)) if isinstance(values[0], torch.Tensor) else np.asarray(values)
        library, _, name = self.dtype.partition(".")
        joined = _as_tensor(joined, getattr(torch, name)) if library == "torch" else _as_array(joined, np.dtype(name))
        return joined if self.shape is None else joined.reshape(len(items), *self.shape)


class Joined:
    """Fields, or a tuple, a list or a dict of them: the result has their form."""

    def __init__(self, fields):
        self.fields = fields

    def __call__(self, items):
        if isinstance(self.fields, Field):
            return self.fields(items)
        if isinstance(self.fields, dict):
            return {key: field(items) for key, field in self.fields.items()}
        return type(self.fields)(field(items) for field in self.fields)


def _as_tensor(joined, dtype):
    tensor = torch.as_tensor(joined)
    if not torch.can_cast(tensor.dtype, dtype):
        raise TypeError(f"The items hold {tensor.dtype}, which {dtype} cannot hold.")
    return tensor.to(dtype)


def _as_array(joined, dtype):
    return np.asarray(joined).astype(dtype, casting="same_kind", copy=False)
