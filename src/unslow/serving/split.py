"""The answer of a joined call as the answers of its requests."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from typing import Any

from unslow.core.calls import leaves_of, rebuild, structure_of
from unslow.core.errors import BadInput
from unslow.serving.arrays import is_joinable, placed
from unslow.serving.join import Joined, Span

Axes = tuple[tuple[int, ...], ...]
"""For each leaf of the answers, the axes that are as long as the sequence."""


def following_axes(answer: Any, length: int, other: Any, other_length: int) -> Axes:
    """The axes of the answers that follow the sequence's length, from two answers at two lengths.

    One answer would not do: an axis of features may happen to be as long as the sequence.
    """
    pairs = zip(leaves_of(answer), leaves_of(other), strict=True)
    return tuple(_following(leaf, length, twin, other_length) for leaf, twin in pairs)


def _following(leaf: Any, length: int, twin: Any, other_length: int) -> tuple[int, ...]:
    if not is_joinable(leaf):
        return ()
    sizes = enumerate(zip(leaf.shape, twin.shape, strict=True))
    return tuple(axis for axis, (size, other) in sizes if axis and size == length and other == other_length)


def split(answer: Any, joined: Joined, axes: Axes) -> list[Any]:
    """One answer per request, in their order, each in the structure of `answer`; views of it where nothing was cut.

    Raises
    ------
    BadInput
        A leaf of the answer has not one row per row of the call.
    """
    if not joined.rows and joined.span is None:
        return [answer]
    leaves = list(leaves_of(answer))
    parts = [_rows(leaf, joined.rows) for leaf in leaves]
    if joined.span is not None and joined.span.changed:
        parts = [_restored(part, follow, joined.span) for part, follow in zip(parts, axes, strict=True)]
    if len(leaves) == 1 and leaves[0] is answer:
        return parts[0]
    structure = structure_of(answer)
    return [_answer(structure, answer, row) for row in zip(*parts, strict=True)]


def _answer(structure: Mapping[str, Any], answer: Any, leaves: Sequence[Any]) -> Any:
    """The answer with these leaves; in a plain dict's or a plain tuple's own class."""
    rebuilt = rebuild(structure, leaves)
    return dict(rebuilt) if type(answer) is dict else rebuilt


def _rows(leaf: Any, rows: Sequence[int]) -> list[Any]:
    if not rows:
        return [leaf]
    if not is_joinable(leaf) or leaf.shape[0] != sum(rows):
        shown = tuple(leaf.shape) if hasattr(leaf, "shape") else type(leaf).__name__
        raise BadInput(
            f"An answer to {sum(rows)} rows has an output of shape {shown}, which cannot be split by requests.",
            "The first axis of every output must be the rows; use the batch size 1.",
        )
    ends = list(accumulate(rows))
    return [leaf[end - count : end] for end, count in zip(ends, rows, strict=True)]


def _restored(parts: Iterable[Any], follow: tuple[int, ...], span: Span) -> list[Any]:
    """Each part at its request's own length: zeros where columns were cut off, without those that padding added."""
    if not follow:
        return list(parts)
    return [_at_length(part, follow, span, length) for part, length in zip(parts, span.lengths, strict=True)]


def _at_length(part: Any, follow: tuple[int, ...], span: Span, length: int) -> Any:
    end = min(span.end, length)
    count = max(0, end - span.first)
    inside = part[tuple(slice(0, count) if axis in follow else slice(None) for axis in range(len(part.shape)))]
    shape = [length if axis in follow else size for axis, size in enumerate(part.shape)]
    where = [slice(span.first, span.first + count) if axis in follow else slice(None) for axis in range(len(shape))]
    return placed(inside, shape, tuple(where))
