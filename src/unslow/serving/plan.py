"""Which requests share a call. Pure: looks at kinds and lengths only."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from unslow.core.workload import Serving

Group = tuple[int, ...]


def plan(kinds: Sequence[Hashable], lengths: Sequence[int], serving: Serving) -> list[Group]:
    """The groups of request indices, one group a call, each of at most `serving.batch_size` requests of one kind.

    Requests of different kinds cannot be joined (see `join.kind_of`). A request of kind None stands alone. Groups come
    in the order of their first request; with `bucket`, requests are sorted by length first, within all that are given.
    """
    order: Sequence[int] = range(len(kinds))
    if serving.bucket:
        order = sorted(order, key=lambda index: (lengths[index], index))
    return _grouped(order, kinds, max(1, serving.batch_size))


def _grouped(order: Sequence[int], kinds: Sequence[Hashable], batch_size: int) -> list[Group]:
    open_groups: dict[Hashable, list[int]] = {}
    groups: list[list[int]] = []
    for index in order:
        kind = kinds[index]
        group: list[int] | None = None if kind is None else open_groups.get(kind)
        if group is None:
            group = open_groups[kind] = []
            groups.append(group)
        group.append(index)
        if len(group) == batch_size:
            open_groups.pop(kind, None)
    return [tuple(group) for group in groups]
