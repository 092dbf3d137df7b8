"""Several requests as one call, and its answer as several answers.

Requests are joined along axis 0, the rows. With `pad`, axes of different length are filled with zeros at their end (the
mask too, which so switches the new columns off). With `trim_padding`, columns that the mask switches off in every row
are cut off at both ends, in all inputs along every axis that is as long as the mask; in the answer they come back as
zeros, so that its shapes are the original's. A padded answer is cut to its request's own length.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from unslow.core.calls import Request
from unslow.core.workload import Serving
from unslow.serving.arrays import columns_on, concatenate, is_joinable, placed

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Span:
    """The sequence axis of a call: columns `[first, end)` of `padded` columns were kept; each request's own length."""

    first: int
    end: int
    padded: int
    lengths: tuple[int, ...]

    @property
    def kept(self) -> int:
        return self.end - self.first

    @property
    def changed(self) -> bool:
        """Whether the model sees another length than the requests have."""
        return self.kept != self.padded or any(length != self.padded for length in self.lengths)


@dataclass(frozen=True)
class Joined:
    """One call: its request, the rows of each request that is in it, and what was done to the sequence axis.

    `rows` is empty where the request stands alone, and its answer is not split.
    """

    request: Request
    rows: tuple[int, ...] = ()
    span: Span | None = None


def named(request: Request, names: Sequence[str]) -> dict[str, Any]:
    """The values by input name; by position where there are more values than names."""
    own = [names[index] if index < len(names) else str(index) for index in range(len(request.args))]
    return {**dict(zip(own, request.args, strict=True)), **request.kwargs}


def kind_of(request: Request, names: Sequence[str], serving: Serving) -> Hashable:
    """What two requests must have in common to share a call; None where this one cannot share.

    It cannot where a value is not an array, or where the values differ in their number of rows.
    """
    values = list(named(request, names).values())
    if not values or not all(map(is_joinable, values)) or len({value.shape[0] for value in values}) != 1:
        return None
    arrays = tuple((str(value.dtype), len(value.shape) if serving.pad else tuple(value.shape[1:])) for value in values)
    return (len(request.args), tuple(request.kwargs), arrays)


def length_of(request: Request, names: Sequence[str], serving: Serving) -> int:
    """The length to sort by: of the columns that the mask leaves on, else of the longest trailing axis."""
    values = named(request, names)
    mask = values.get(serving.padding_mask)
    if serving.trim_padding and mask is not None and len(mask.shape) == 2:
        first, end = columns_on(mask)
        return end - first
    return max((max(value.shape[1:], default=1) for value in values.values() if is_joinable(value)), default=1)


def join(requests: Sequence[Request], names: Sequence[str], serving: Serving) -> Joined:
    """The call of these requests, which are of one kind; `serving` says whether they are padded and trimmed."""
    first = requests[0]
    columns = [[*request.args, *request.kwargs.values()] for request in requests]
    keys = list(named(first, names))
    if len(requests) == 1 and not serving.trim_padding:
        return Joined(first)
    rows = tuple(int(column[0].shape[0]) for column in columns) if len(requests) > 1 else ()
    lengths = _lengths(keys, columns, serving)
    values = [_concatenated([column[index] for column in columns], serving.pad) for index in range(len(keys))]
    joined = Joined(_like(first, values), rows, Span(0, max(lengths), max(lengths), lengths) if lengths else None)
    return _trimmed(joined, dict(zip(keys, values, strict=True)), serving)


def _lengths(keys: Sequence[str], columns: Sequence[Sequence[Any]], serving: Serving) -> tuple[int, ...]:
    """The length of the sequence axis of each request: of the mask, else of the first axis whose length differs."""
    if serving.padding_mask in keys:
        index = keys.index(serving.padding_mask)
        return tuple(int(column[index].shape[-1]) for column in columns)
    for index in range(len(keys)):
        shapes = [tuple(column[index].shape) for column in columns if is_joinable(column[index])]
        for lengths in list(zip(*shapes, strict=True))[1:]:
            if len(set(lengths)) > 1:
                return tuple(lengths)
    return ()


def _concatenated(values: Sequence[Any], pad: bool) -> Any:
    if len(values) == 1:
        return values[0]
    if pad:
        widest = [max(lengths) for lengths in zip(*(value.shape[1:] for value in values), strict=True)]
        values = [_padded(value, (int(value.shape[0]), *widest)) for value in values]
    return concatenate(values)


def _padded(value: Any, shape: Shape) -> Any:
    return placed(value, shape, tuple(slice(0, int(length)) for length in value.shape))


def _like(request: Request, values: Sequence[Any]) -> Request:
    count = len(request.args)
    return Request(tuple(values[:count]), dict(zip(request.kwargs, values[count:], strict=True)))


def _trimmed(joined: Joined, values: Mapping[str, Any], serving: Serving) -> Joined:
    mask = values.get(serving.padding_mask)
    if not serving.trim_padding or joined.span is None or mask is None or len(mask.shape) != 2:
        return joined
    first, end = columns_on(mask)
    length = joined.span.padded
    if end - first == length:
        return joined
    cut = [_cut(value, length, slice(first, end)) for value in values.values()]
    return replace(joined, request=_like(joined.request, cut), span=replace(joined.span, first=first, end=end))


def _cut(value: Any, length: int, where: slice) -> Any:
    """The value without the columns outside `where`, along every axis but the rows that is `length` long."""
    if not is_joinable(value):
        return value
    return value[tuple(where if axis and size == length else slice(None) for axis, size in enumerate(value.shape))]
