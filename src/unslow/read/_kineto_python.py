"""Frames of Python's in a Kineto recording: in which functions its busiest thread was at each moment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any, final

import numpy as np

from unslow.core.profile import STACK
from unslow.read._files import LATEST_NS
from unslow.read._kineto_table import ANNOTATION, OPERATOR, PYTHON, Column, Table

Stack = tuple[str, ...]
"""Names of functions, the outermost first."""


@final
class Frames:
    """Those of the thread that calls most operators. Where they were not recorded, every stack is empty."""

    def __init__(self, table: Table) -> None:
        self._stacks: list[Stack] = [()]
        self._known: dict[tuple[int, int], int] = {}
        rows = np.array(list(self._stretches(table, _frames(table))), dtype=np.int64).reshape(-1, 3)
        self._details = [{STACK: stack} if stack else {} for stack in self._stacks]
        self._starts, self._ends, self._of = rows[:, 0], rows[:, 1], rows[:, 2]

    def stretches(self) -> Iterator[tuple[int, int, int]]:
        """The number of each stack that was not empty, and from when to when it stayed as it was, in ns, by start."""
        return zip(self._of.tolist(), self._starts.tolist(), self._ends.tolist(), strict=True)

    def at(self, moments_ns: Column) -> list[int]:
        """The number of the stack at each of these moments; see `stack`."""
        if not len(self._starts):
            return [0] * len(moments_ns)
        before = np.searchsorted(self._starts, moments_ns, side="right") - 1
        within = (before >= 0) & (moments_ns < self._ends[np.maximum(before, 0)])
        return np.where(within, self._of[np.maximum(before, 0)], 0).tolist()

    def stack(self, number: int) -> Stack:
        return self._stacks[number]

    def details(self, number: int) -> Mapping[str, Any]:
        """What a span's details say of the stack that it was called in: one object for all of one stack."""
        return self._details[number]

    def _stretches(self, table: Table, rows: Column) -> Iterator[tuple[int, int, int]]:
        open_frames: list[tuple[int, int]] = []
        since = 0
        last = (-1, LATEST_NS, LATEST_NS)  # No frame: all that are open end before it.
        for name, start, end in chain(table.each(rows, table.name, table.start, table.end), [last]):
            while open_frames and open_frames[-1][1] <= start:
                inner, until = open_frames.pop()
                if until > since:
                    yield since, until, inner
                since = max(since, until)
            if open_frames and start > since:
                yield since, start, open_frames[-1][0]
            if name >= 0:
                around = open_frames[-1][0] if open_frames else 0
                open_frames.append((self._within(around, name, table.names[name]), end))
            since = start

    def _within(self, around: int, name: int, text: str) -> int:
        """The number of the stack that has this function in that one."""
        found = self._known.get((around, name))
        if found is None:
            found = self._known[around, name] = len(self._stacks)
            self._stacks.append((*self._stacks[around], text))
        return found


def _frames(table: Table) -> Column:
    """The rows of the thread's frames, by start, outer before inner."""
    on_host = table.rows(OPERATOR, ANNOTATION)
    if not len(on_host):
        return on_host
    thread = np.bincount(table.place[on_host]).argmax()
    rows = table.rows(PYTHON)
    rows = rows[table.place[rows] == thread]
    return rows[np.lexsort((-table.end[rows], table.start[rows]))]
