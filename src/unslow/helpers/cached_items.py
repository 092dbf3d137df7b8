"""Keeps the items of a data set, so that each is made once and not again in every epoch.

Only for data sets whose items are always the same: one that augments at random must not be kept. Items are made of
arrays, tensors and numbers, all of one shape. They lie in a file without a name, mapped into memory, which loader
workers share and which is gone when the program ends.
"""

import mmap
import shutil
import tempfile

import numpy as np

MOST_BYTES = 4_000_000_000


class CachedItems:
    """`DataLoader(CachedItems(dataset), ...)`; at most `most_bytes`, and half of what the disk has free, are kept;
    items beyond are made each time."""

    def __init__(self, dataset, most_bytes=MOST_BYTES):
        self.dataset = dataset
        self._most_bytes = most_bytes
        self._specs = self._map = None

    def __len__(self):
        return len(self.dataset)

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self.dataset, name)

    def __getitem__(self, index):
        if self._map is None:
            self._open()
        place = index + len(self) if index < 0 else index
        if place < self._count and self._map[place]:
            return self._read(place)
        item = self.dataset[index]
        if place < self._count:
            self._keep(place, item)
        return item

    def open(self):
        """Make the file before loader workers start, for them to share it."""
        if self._map is None:
            self._open()
        return self

    def _open(self):
        item = self.dataset[0]
        arrays = [_array(leaf) for leaf in _leaves(item)]
        self._made_of = _maker(item)
        self._specs = [(array.shape, array.dtype, array.nbytes) for array in arrays]
        self._bytes = max(1, sum(nbytes for _, _, nbytes in self._specs))
        # A mapped file that its disk has no room for would end the program: half of what is free may be taken.
        most = min(self._most_bytes, shutil.disk_usage(tempfile.gettempdir()).free // 2)
        self._count = min(len(self.dataset), max(0, most // (self._bytes + 1)))
        size = max(1, self._count * (self._bytes + 1))
        with tempfile.TemporaryFile() as file:
            file.truncate(size)
            self._map = mmap.mmap(file.fileno(), size)  # first a flag for each item, then the items

    def _keep(self, place, item):
        arrays = [_array(leaf) for leaf in _leaves(item)]
        if [(array.shape, array.dtype, array.nbytes) for array in arrays] != self._specs:
            return  # Another shape than the first one's: made each time.
        at = self._count + place * self._bytes
        for array in arrays:
            self._map[at : at + array.nbytes] = array.tobytes()
            at += array.nbytes
        self._map[place] = 1

    def _read(self, place):
        at = self._count + place * self._bytes
        arrays = []
        for shape, dtype, nbytes in self._specs:
            # A bytearray of its own: what is done to an item is not done to the kept one.
            arrays.append(np.frombuffer(bytearray(self._map[at : at + nbytes]), dtype).reshape(shape))
            at += nbytes
        return self._made_of(iter(arrays))

    def __getstate__(self):
        return {"dataset": self.dataset, "_most_bytes": self._most_bytes, "_specs": None, "_map": None}


def _leaves(item):
    if isinstance(item, dict):
        return [leaf for value in item.values() for leaf in _leaves(value)]
    if isinstance(item, (list, tuple)):
        return [leaf for value in item for leaf in _leaves(value)]
    return [item]


def _array(leaf):
    return leaf.numpy() if hasattr(leaf, "detach") else np.asarray(leaf)


def _maker(template):
    """What puts arrays into the structure of an item: tensors where it had tensors, numbers where it had numbers. The
    structure is looked at once, for every item is made so."""
    kind = type(template)
    if isinstance(template, dict):
        makers = {key: _maker(value) for key, value in template.items()}
        return lambda arrays: {key: make(arrays) for key, make in makers.items()}
    if isinstance(template, (list, tuple)):
        several = [_maker(value) for value in template]
        if hasattr(template, "_fields"):
            return lambda arrays: kind(*[make(arrays) for make in several])
        return lambda arrays: kind([make(arrays) for make in several])
    if hasattr(template, "detach"):
        import torch

        return lambda arrays: torch.from_numpy(next(arrays))
    return next if isinstance(template, np.ndarray) else lambda arrays: kind(next(arrays).item())
