"""Attention that is written as products around a softmax: found by the shapes of its scores, or by the order of
operators where a recording keeps no shapes."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from unslow.core.attention import FusedAttention
from unslow.core.profile import FREE, Profile, Span
from unslow.habits._ops import Kind, array_inputs, kind_of, op_name

PRODUCTS = frozenset({"bmm", "baddbmm", "matmul"})
SOFTMAX = frozenset({"softmax", "safe_softmax"})
BACKWARD = "softmax_backward_data"
FUSED = "attention"
BETWEEN: frozenset[Kind] = frozenset({"elementwise", "softmax", "dropout", "layout", "fill"})
"""What may be done to the scores: scaled, masked, dropped, copied into another layout."""
MASKING = frozenset({"masked_fill", "where", "add", "baddbmm"})
"""What hides a part of them."""

Scores = tuple[int, ...]
"""The batches (all axes but the last two in one), the queries and the keys."""


@dataclass(frozen=True)
class Attention:
    """The spans of such attention, by index, with the operators around them; how often its softmax was called; and the
    same in one operator, with how often it would be called, as far as shapes tell."""

    spans: frozenset[int] = frozenset()
    calls: float = 0.0
    fused: Mapping[FusedAttention, float] = field(default_factory=dict[FusedAttention, float])


def attention(profile: Profile) -> Attention:
    """All that computes attention in a row of operators; what a fused operator calls itself is not."""
    own = [index for index, span in enumerate(profile.spans) if span.category == "compute" or span.name == FREE]
    inside = _inside_fused(profile)
    own = [index for index in own if not inside[index]]
    has_shapes = any(array_inputs(profile.spans[index]) for index in own)
    found = (_by_shapes if has_shapes else _by_order)(profile.spans, own)
    return replace(found, spans=_with_callers(profile.spans, found.spans))


def _with_callers(spans: Sequence[Span], chosen: frozenset[int]) -> frozenset[int]:
    """The operators that called them, and all that these called: views and the like are starting the same work."""
    tops: set[int] = set()
    for index in chosen:
        while (parent := spans[index].parent) >= 0 and "::" in spans[parent].name:
            index = parent
        tops.add(index)
    inside: list[bool] = []
    for index, span in enumerate(spans):
        inside.append(index in tops or (span.parent >= 0 and inside[span.parent]))
    return frozenset(index for index, found in enumerate(inside) if found)


def _inside_fused(profile: Profile) -> list[bool]:
    inside: list[bool] = []
    for span in profile.spans:
        within = FUSED in op_name(span) or FUSED in str(span.details.get("within", ""))
        inside.append(within or (span.parent >= 0 and inside[span.parent]))
    return inside


def _by_shapes(spans: Sequence[Span], own: Sequence[int]) -> Attention:
    products = [span for index in own if op_name(span := spans[index]) in PRODUCTS]
    made = {shape: array_inputs(span)[-2] for span in products if (shape := _made(span))}
    taken = {shape for span in products for shape in _given(span)}
    calls = dict[Scores, float]()
    for index in own:
        if op_name(spans[index]) in SOFTMAX and (shape := _shape(spans[index])) in taken and shape in made:
            calls[shape] = calls.get(shape, 0.0) + spans[index].calls
    chosen = [index for index in own if _handles(spans[index], calls.keys())]
    masked = {_shape(spans[index]) for index in chosen if op_name(spans[index]) in MASKING}
    fused = {_fused(shape, *made[shape], shape in masked): calls[shape] for shape in sorted(calls)}
    return Attention(frozenset(chosen), sum(calls.values()), fused)


def _fused(scores: Scores, dtype: str, query: Sequence[int], masked: bool) -> FusedAttention:
    batches, queries, keys = scores
    return FusedAttention(batches, queries, keys, query[-1], dtype, masked)


def _handles(span: Span, shapes: Collection[Scores]) -> bool:
    """Whether an operator makes such scores or takes them in, the backward pass included."""
    if op_name(span) in PRODUCTS:
        turned = {(batches, keys, queries) for batches, queries, keys in shapes}
        return _made(span) in shapes or any(one in shapes or one in turned for one in _given(span))
    is_between = kind_of(span) in BETWEEN or op_name(span) == BACKWARD or span.name == FREE
    return is_between and _shape(span) in shapes


def _by_order(spans: Sequence[Span], own: Sequence[int]) -> Attention:
    found: set[int] = set()
    calls = 0.0
    for place, index in enumerate(own):
        if op_name(spans[index]) in SOFTMAX:
            before, after = (list(_until_a_product(spans, side)) for side in (own[:place][::-1], own[place + 1 :]))
            if before and after:
                found |= {*before, index, *after}
                calls += spans[index].calls
    return Attention(frozenset(found), calls)


def _until_a_product(spans: Sequence[Span], places: Sequence[int]) -> Iterator[int]:
    """What is done to the scores, up to the product of batches that makes or takes them; nothing where none does."""
    passed: list[int] = []
    for index in places:
        passed.append(index)
        if op_name(spans[index]) in PRODUCTS:
            yield from passed
            return
        if kind_of(spans[index]) not in BETWEEN or op_name(spans[index]) in SOFTMAX:
            return


def _shape(span: Span) -> Scores | None:
    """The largest input, if it can be scores."""
    given = [shape for _, shape in array_inputs(span)]
    return _scores(max(given, key=math.prod)) if given else None


def _given(span: Span) -> list[Scores]:
    return [scores for _, shape in array_inputs(span) if (scores := _scores(shape))]


def _made(span: Span) -> Scores | None:
    """What a product of batches makes of its last two inputs."""
    given: list[Any] = [shape for _, shape in array_inputs(span)][-2:]
    if len(given) < 2 or min(map(len, given)) < 3:
        return None
    return _scores((*given[0][:-1], given[1][-1]))


def _scores(shape: Sequence[int]) -> Scores | None:
    return (math.prod(shape[:-2]), shape[-2], shape[-1]) if len(shape) >= 3 and min(shape) > 0 else None
