"""Handing large arrays back to the system: what lies between an operator that took one in and what comes next.

No event of Kineto's says so: an intermediate result is freed by Python once its name is bound to the next, after the
operator. What is longer than starting the next one takes is that, up to what handing back the operator's largest input
and one more of its size can take; the rest is Python.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from unslow.core.profile import Span

FREE = "memory::free"
LEAST_BYTES = 4 << 20
"""Smaller ones stay with the process's allocator."""
NS_PER_BYTE = 0.1
"""At most: pages of 4 KiB each some 0.3 µs. Source: scores of an attention of 32 MiB, freed in 2.7 ms."""
MOST_FREED = 2
"""Arrays of that size in one stretch: what an operator took in, and what that was made of."""
STARTS_NS = 50_000
"""What lies between two operators takes as much in Python alone."""


@dataclass(frozen=True, order=True)
class _Array:
    size: int = 0
    shape: tuple[int, ...] = ()
    dtype: str = ""

    @property
    def details(self) -> Mapping[str, Any]:
        return {"op": FREE, "shapes": [list(self.shape)], "dtypes": [self.dtype], "bytes": self.size}


def with_frees(spans: Sequence[Span]) -> tuple[Span, ...]:
    """The spans, parents before their children, with such stretches as spans of their own, of the category "other"."""
    after = _ends_of_subtrees(spans)
    found: dict[int, Span] = {}
    known: dict[int, _Array] = {}
    for index, span in enumerate(spans):
        if "::" not in span.name or (span.parent >= 0 and "::" in spans[span.parent].name):
            continue
        gap_ns = _until_the_next(spans, after[index], span) - span.end_ns
        if gap_ns > STARTS_NS:
            inside = (one.details for one in spans[index : after[index]] if one.category == "compute")
            largest = max((known.setdefault(id(one), _largest_in(one)) for one in inside), default=_Array())
            if largest.size >= LEAST_BYTES:
                end_ns = span.end_ns + min(gap_ns, round(MOST_FREED * largest.size * NS_PER_BYTE))
                found[after[index]] = Span(FREE, "other", span.end_ns, end_ns, span.parent, largest.details)
    return tuple(_inserted(spans, found)) if found else tuple(spans)


def _until_the_next(spans: Sequence[Span], following: int, span: Span) -> int:
    is_last = following == len(spans) or spans[following].parent != span.parent
    if not is_last:
        return spans[following].start_ns
    return spans[span.parent].end_ns if span.parent >= 0 else span.end_ns


def _ends_of_subtrees(spans: Sequence[Span]) -> list[int]:
    """Of each span the index after the last one within it."""
    after = list(range(1, len(spans) + 1))
    for index in range(len(spans) - 1, -1, -1):
        if (parent := spans[index].parent) >= 0:
            after[parent] = max(after[parent], after[index])
    return after


def _largest_in(details: Mapping[str, Any]) -> _Array:
    """The largest of an operator's inputs."""
    shapes: Any = details.get("shapes") or ()
    dtypes: Any = details.get("dtypes") or ()
    arrays = (
        _Array(math.prod(shape) * _item_bytes(str(dtype)), tuple(shape), str(dtype))
        for shape, dtype in zip(shapes, dtypes, strict=False)
        if shape and all(isinstance(length, int) for length in shape)
    )
    return max(arrays, default=_Array())


def _item_bytes(dtype: str) -> int:
    try:
        return np.dtype(dtype).itemsize
    except TypeError:  # NumPy has no bfloat16, and no type of 8 bits but integers.
        return 2 if "16" in dtype else 1


def _inserted(spans: Sequence[Span], found: Mapping[int, Span]) -> Iterator[Span]:
    """`found` by the index before which they come; parents are counted anew."""
    moved: list[int] = []
    count = 0
    for index in range(len(spans) + 1):
        if (span := found.get(index)) is not None:
            yield Span(span.name, span.category, span.start_ns, span.end_ns, moved[span.parent], span.details)
            count += 1
        if index < len(spans):
            moved.append(count)
            span = spans[index]
            parent = moved[span.parent] if span.parent >= 0 else -1
            yield Span(span.name, span.category, span.start_ns, span.end_ns, parent, span.details)
            count += 1
