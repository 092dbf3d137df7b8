"""Moments of time as intervals: unions, gaps and sums, in whole ns."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Intervals = NDArray[np.int64]
"""(N, 2): [start, end) in ns, ascending, none overlapping another."""


def union(pairs: list[tuple[int, int]] | Intervals) -> Intervals:
    """The moments that are in any of the intervals, which may come in any order and overlap."""
    ordered = np.asarray(pairs, dtype=np.int64).reshape(-1, 2)
    ordered = ordered[ordered[:, 1] > ordered[:, 0]]
    if not len(ordered):
        return ordered
    ordered = ordered[np.argsort(ordered[:, 0], kind="stable")]
    ends = np.maximum.accumulate(ordered[:, 1])
    first = np.concatenate(([True], ordered[1:, 0] > ends[:-1]))
    places = np.flatnonzero(first)
    last = np.concatenate((places[1:] - 1, [len(ordered) - 1]))
    return np.stack((ordered[places, 0], ends[last]), axis=1)


def clipped(intervals: Intervals, start_ns: int, end_ns: int) -> Intervals:
    """What of the intervals lies in [start_ns, end_ns)."""
    cut = np.clip(intervals, start_ns, max(start_ns, end_ns))
    return cut[cut[:, 1] > cut[:, 0]]


def gaps(intervals: Intervals, start_ns: int, end_ns: int) -> Intervals:
    """The moments of [start_ns, end_ns) that are in none of the intervals."""
    inside = clipped(intervals, start_ns, end_ns)
    starts = np.concatenate(([start_ns], inside[:, 1]))
    ends = np.concatenate((inside[:, 0], [end_ns]))
    both = np.stack((starts, ends), axis=1)
    return both[both[:, 1] > both[:, 0]]


def total_ns(intervals: Intervals) -> int:
    return int((intervals[:, 1] - intervals[:, 0]).sum())


def covered(intervals: Intervals, edges: NDArray[np.int64]) -> NDArray[np.int64]:
    """How many ns of the intervals lie between each of the ascending `edges` and the next: one fewer than there are."""
    if not len(intervals):
        return np.zeros(max(len(edges) - 1, 0), dtype=np.int64)
    before = np.concatenate(([0], np.cumsum(intervals[:, 1] - intervals[:, 0])))
    begun = np.searchsorted(intervals[:, 0], edges, side="right")
    still = np.where(begun > 0, intervals[begun - 1, 1] - edges, 0)
    return np.diff(before[begun] - np.maximum(still, 0))
