"""A recording with a device, as spans that sum to the steps: at each moment the first in rank of what goes on.

A kernel comes before a copy, a copy before a fill, then communication, the runtime's calls on the host, a loader, an
operator on the host; a moment in which nothing of these goes on is the device's waiting for the host. What is left of a
kind after taking out every moment of those before it is called its exposed time. Source: the partition of PyTorch's
TensorBoard plugin, whose parts sum to all of the time.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from unslow.core.profile import Category, Span

RANKS = ("kernel", "copy", "fill", "communication", "runtime", "loading", "operator")


@dataclass(frozen=True, slots=True)
class Going:
    """Something that goes on from `start_ns` to `end_ns`: its place in `RANKS`, and the span that its exposed time
    becomes."""

    rank: int
    name: str
    category: Category
    start_ns: int
    end_ns: int
    details: Mapping[str, Any] = field(default_factory=dict[str, Any])


def exposed_spans(steps: Sequence[tuple[str, int, int]], going: Iterable[Going]) -> tuple[Span, ...]:
    """Each step (its mark, start and end in ns; none overlaps the one before it), and in it what is exposed."""
    pieces = sorted(_pieces(going), key=lambda piece: piece[0])
    starts = [start for start, _, _ in pieces]
    spans: list[Span] = []
    for mark, begins, ends in steps:
        root = len(spans)
        spans.append(Span("step", "idle", begins, ends, -1, {"mark": mark}))
        place = max(0, bisect_right(starts, begins) - 1)
        while place < len(pieces) and pieces[place][0] < ends:
            start, end, one = pieces[place]
            start, end = max(start, begins), min(end, ends)
            if end > start:
                spans.append(Span(one.name, one.category, start, end, root, one.details))
            place += 1
    return tuple(spans)


def _pieces(going: Iterable[Going]) -> list[tuple[int, int, Going]]:
    """Of each what is exposed: of one rank the one that began first has the moment."""
    by_rank: list[list[Going]] = [[] for _ in RANKS]
    for one in going:
        by_rank[one.rank].append(one)
    taken: list[tuple[int, int, Going]] = []
    for same in by_rank:
        new = list(_outside(_in_turn(same), taken))
        taken = _merged(taken, new)
    return taken


def _in_turn(same: list[Going]) -> Iterator[tuple[int, int, Going]]:
    """Pieces that do not overlap; an inner one (which began later) gets its own time only after the outer one's end."""
    done_ns = -1
    for one in sorted(same, key=lambda one: (one.start_ns, -one.end_ns)):
        if one.end_ns > max(one.start_ns, done_ns):
            yield max(one.start_ns, done_ns), one.end_ns, one
            done_ns = one.end_ns


def _outside(
    pieces: Iterable[tuple[int, int, Going]], taken: Sequence[tuple[int, int, Going]]
) -> Iterator[tuple[int, int, Going]]:
    """What of the pieces is in no interval that is taken; both come in ascending order."""
    place = 0
    for start, end, one in pieces:
        while place < len(taken) and taken[place][1] <= start:
            place += 1
        here = place
        while start < end:
            if here >= len(taken) or taken[here][0] >= end:
                yield start, end, one
                break
            if taken[here][0] > start:
                yield start, taken[here][0], one
            start = taken[here][1]
            here += 1


def _merged(
    first: list[tuple[int, int, Going]], second: list[tuple[int, int, Going]]
) -> list[tuple[int, int, Going]]:
    return sorted([*first, *second], key=lambda piece: piece[0]) if second else first
