"""The normal form of outputs: one answer per request, each a tuple of leaves (NumPy arrays) in a fixed order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unslow.core.errors import BadInput

Array = NDArray[Any]
Labels = Sequence[Any] | Array


def is_float(leaf: Array) -> bool:
    """Whether a leaf holds real or complex floating-point numbers; all else (labels, masks, text) is discrete."""
    return leaf.dtype.kind in "fc"


@dataclass(frozen=True)
class Answers:
    """`leaves[i][j]` is leaf `j` of the answer to request `i`: an array of any shape and dtype.

    bfloat16 and the like are to be widened to float32 by whoever makes the leaves: NumPy cannot compute with them.
    """

    leaves: tuple[tuple[Array, ...], ...]

    @staticmethod
    def of(requests: Iterable[Sequence[ArrayLike]]) -> Answers:
        """From one list of leaves per request."""
        return Answers(tuple(tuple(np.asarray(leaf) for leaf in request) for request in requests))

    def __len__(self) -> int:
        """The number of requests."""
        return len(self.leaves)

    def difference_of_structure(self, other: Answers) -> str | None:
        """How `other` differs in requests, leaves, shapes or kinds (float or discrete), as a sentence; or None.

        Dtypes of one kind may differ: a variant may answer in float16.
        """
        if len(self) != len(other):
            return f"The original answers {len(self)} requests, the variant {len(other)}."
        for i, (mine, theirs) in enumerate(zip(self.leaves, other.leaves, strict=True)):
            if len(mine) != len(theirs):
                return f"On request {i} the original returns {len(mine)} arrays, the variant {len(theirs)}."
            for j, (a, b) in enumerate(zip(mine, theirs, strict=True)):
                if a.shape != b.shape or is_float(a) != is_float(b):
                    return (
                        f"On request {i}, output {j}, the original returns {a.dtype} {a.shape}, "
                        f"the variant {b.dtype} {b.shape}."
                    )
        return None

    def stacked(self) -> tuple[Array, ...] | None:
        """One array per leaf, shape (requests, *leaf shape); None when counts or shapes differ between requests."""
        if not self.leaves or len({len(request) for request in self.leaves}) != 1:
            return None
        columns = list(zip(*self.leaves, strict=True))
        if any(len({leaf.shape for leaf in column}) != 1 for column in columns):
            return None
        return tuple(np.stack(column) for column in columns)

    def finite(self, original: Answers) -> bool:
        """False if a NaN or an infinity stands where the original's number is finite. Same structure is assumed."""
        pairs = zip(original.leaves, self.leaves, strict=True)
        return all(
            not bool(np.any(np.isfinite(o) & ~np.isfinite(v)))
            for mine, theirs in pairs
            for o, v in zip(mine, theirs, strict=True)
            if is_float(o)
        )

    def take(self, requests: Sequence[int] | Array) -> Answers:
        """The answers to some of the requests, in the order given."""
        return Answers(tuple(self.leaves[int(i)] for i in requests))


@dataclass(frozen=True)
class PerLabel:
    """Outputs as a metric gets them: one entry per label. `request[k]` is the request that entry `k` answers.

    `outputs` is one array of shape (labels, ...) if an answer is a single leaf and all entries agree in shape; else a
    list with, per label, an array (a single leaf) or a tuple of arrays.
    """

    outputs: Array | list[Any]
    request: NDArray[np.intp]

    def __len__(self) -> int:
        return len(self.request)

    def take(self, rows: NDArray[np.intp]) -> Array | list[Any]:
        """Entries by number, repeats included; arrays are copied, so a metric cannot spoil what the next call sees."""
        if isinstance(self.outputs, np.ndarray):
            return self.outputs[rows]
        return [self.outputs[k] for k in rows]


def per_label(answers: Answers, n_labels: int | None) -> PerLabel:
    """One entry per label, from one answer per request.

    Where every leaf has a leading axis and the lengths of the answers along it add up to the number of labels, that
    axis is the batch: it is split, and an entry is one row. (So 100 requests of batch one, shape (1, 10), with 100
    labels give an array of shape (100, 10); 10 requests of batch 8 with 80 labels give 80 rows.) Otherwise an entry is
    the whole answer to one request. `n_labels` None: there are no labels, and only batches of one are split.

    Raises BadInput when the labels fit neither the requests nor the rows.
    """
    rows = [_batch_of(request) for request in answers.leaves]
    total = sum(length for length in rows if length is not None)
    wanted = len(answers) if n_labels is None else n_labels
    if None not in rows and total == wanted and (n_labels is not None or all(length == 1 for length in rows)):
        entries = [
            tuple(leaf[k] for leaf in request)
            for request, n in zip(answers.leaves, rows, strict=True)
            for k in range(n or 0)
        ]
        return PerLabel(_packed(entries), np.repeat(np.arange(len(rows)), [n or 0 for n in rows]))
    if wanted != len(answers):
        raise BadInput(
            f"There are {wanted} labels for {len(answers)} evaluation requests (with {total} rows in all).",
            "Give one label per evaluation request, or one per row of the batches.",
        )
    return PerLabel(_packed(list(answers.leaves)), np.arange(len(answers)))


def _batch_of(request: tuple[Array, ...]) -> int | None:
    """The common length of the leaves' leading axis; None without one."""
    lengths = {leaf.shape[0] if leaf.ndim else None for leaf in request}
    return lengths.pop() if len(lengths) == 1 else None


def _packed(entries: Sequence[tuple[Any, ...]]) -> Array | list[Any]:
    if any(len(entry) != 1 for entry in entries):
        return list(entries)
    arrays = [np.asarray(entry[0]) for entry in entries]
    if len({array.shape for array in arrays}) == 1:
        return np.stack(arrays)
    return arrays
