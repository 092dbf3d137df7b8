"""Handing large arrays back to the system: what lies between an operator that took one in and what comes next.

No event of Kineto's says so: an intermediate result is freed by Python once its name is bound to the next, after some
operator. What is longer than starting the next one takes is that, up to what handing back the large arrays of the step
can take, each once; the rest is Python.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from unslow.core.profile import FREE, Span

LEAST_BYTES = 4 << 20
"""Smaller ones stay with the process's allocator."""
NS_PER_BYTE = 0.1
"""At most: pages of 4 KiB each some 0.3 µs. Source: scores of an attention of 32 MiB, freed in 2.7 ms."""
SOONEST = 1 / 5
"""Of the most that an array's pages can take: what lies behind an operator for less time has not handed them back.
Source: those scores took two thirds of it, in every call."""
STARTS_NS = 50_000
"""What lies between two operators takes as much in Python alone."""
AFTER_A_BIAS = frozenset({"aten::addmm", "aten::baddbmm", "aten::addbmm"})
COPIES = "aten::copy_"
"""What works in an array just made for it, as large as the one that it took in."""
LOOKUPS = frozenset({"aten::embedding", "aten::index_select", "aten::index", "aten::gather", "aten::take_along_dim"})
"""What they take in is a table, which is kept."""


@dataclass(frozen=True)
class _Array:
    """A large one that an operator took in, and what freeing it can take."""

    details: Mapping[str, Any]
    most_ns: int


def with_frees(spans: Sequence[Span]) -> tuple[Span, ...]:
    """The spans, parents before their children, with such stretches as spans of their own, of the category "other"."""
    after = _ends_of_subtrees(spans)
    found: dict[int, list[Span]] = {}
    known: dict[int, _Array | None] = {}
    held: list[_Array] = []
    for index, span in enumerate(spans):
        if span.parent < 0:
            held.clear()
        if "::" not in span.name or (span.parent >= 0 and "::" in spans[span.parent].name):
            continue
        for inside in spans[index : after[index]]:
            if inside.category == "compute" and (array := known.setdefault(id(inside.details), _large(inside))):
                held.append(array)
        gap_ns = _until_the_next(spans, after[index], span) - span.end_ns
        if gap_ns > STARTS_NS and (freed := _freed(held, span, gap_ns)):
            found[after[index]] = freed
    return tuple(_inserted(spans, found)) if found else tuple(spans)


def _freed(held: list[_Array], span: Span, gap_ns: int) -> list[Span]:
    """What lies behind this operator, one after the other: the last that were taken in are freed first. Those that it
    is too short for stay held, as a function's own variables do until it returns."""
    spans: list[Span] = []
    start_ns, end_ns = span.end_ns, span.end_ns + gap_ns
    for place in reversed(range(len(held))):
        if end_ns - start_ns > SOONEST * held[place].most_ns:
            array = held.pop(place)
            until_ns = min(end_ns, start_ns + array.most_ns)
            spans.append(Span(FREE, "other", start_ns, until_ns, span.parent, array.details))
            start_ns = until_ns
    return spans


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


def _large(span: Span) -> _Array | None:
    """What an operator took in and may have been the last to: its first array, where it is large. What it works in is
    kept, and so are weights, which come second, and tables."""
    if (span.name.endswith("_") and span.name != COPIES) or span.name in LOOKUPS:
        return None
    shapes: Any = span.details.get("shapes") or ()
    dtypes: Any = span.details.get("dtypes") or ()
    place = 1 if span.name in AFTER_A_BIAS else 0
    for shape, dtype in list(zip(shapes, dtypes, strict=False))[place : place + 1]:
        if shape and all(isinstance(length, int) for length in shape):
            size = math.prod(shape) * _item_bytes(str(dtype))
            details = {"op": FREE, "shapes": [shape], "dtypes": [dtype], "bytes": size}
            return _Array(details, round(size * NS_PER_BYTE)) if size >= LEAST_BYTES else None
    return None


def _item_bytes(dtype: str) -> int:
    try:
        return np.dtype(dtype).itemsize
    except TypeError:  # NumPy has no bfloat16, and no type of 8 bits but integers.
        return 2 if "16" in dtype else 1


def _inserted(spans: Sequence[Span], found: Mapping[int, Sequence[Span]]) -> Iterator[Span]:
    """`found` by the index before which they come; parents are counted anew."""
    moved: list[int] = []
    count = 0
    for index in range(len(spans) + 1):
        for span in found.get(index, ()):
            yield Span(span.name, span.category, span.start_ns, span.end_ns, moved[span.parent], span.details)
            count += 1
        if index < len(spans):
            moved.append(count)
            span = spans[index]
            parent = moved[span.parent] if span.parent >= 0 else -1
            yield Span(span.name, span.category, span.start_ns, span.end_ns, parent, span.details)
            count += 1
