"""How a `DataLoader` joins items to a batch: how long that takes, and whether one join of each field gives the same.

`joined` of a loader's facts says how: `form` ("tuple", "list", "dict", or "" where there is one field alone), and of
each of its `fields` the `key` (of a dict), the `place` in an item (None: the item itself), the `dtype`
("torch.float32") and the `shape` of one item's part, where that is not its own.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from types import CodeType
from typing import Any, cast

from unslow.core.calls import is_array
from unslow.core.script import LoaderFacts, Site
from unslow.scripts.same import random_state, same, same_state
from unslow.scripts.sites import own_site

MOST_ITEMS, MOST_BYTES = 1024, 1 << 28
"""A batch that is tried is no larger: what joining a larger one takes is reckoned."""
TRIED_TIMES, TRIED_S = 5, 0.5
FORMS: dict[type, str] = {tuple: "tuple", list: "list", dict: "dict"}
Join = Callable[[Sequence[Any]], Any]


class _NoJoin(Exception):
    """Why one join of each field is not what the loader does."""


def collated(loader: Any, items: Sequence[Any], known: LoaderFacts) -> LoaderFacts:
    """What is known of the loader, and of how it joins `items`."""
    if not known.batch_size:
        return replace(known, why_not_vectorised="it makes no batches")
    most = min(known.batch_size, MOST_ITEMS, max(len(items), MOST_BYTES // max(1, known.item_bytes)))
    batch = [items[n % len(items)] for n in range(most)]
    scale = known.batch_size / most
    try:
        collate_s = _seconds(loader.collate_fn, batch)
    except Exception as error:  # Items of different shapes may not be joined by everybody.
        return replace(known, why_not_vectorised=f"joining items again raised {type(error).__name__}")
    known = replace(known, collate_s=collate_s * scale, collate=_place(loader.collate_fn))
    try:
        joined = _joined(loader.collate_fn, items, known)
    except _NoJoin as reason:
        return replace(known, why_not_vectorised=str(reason))
    except Exception as error:  # As above, for a batch of another size.
        return replace(known, why_not_vectorised=f"joining items again raised {type(error).__name__}")
    vector_s = _seconds(join_of(joined), batch)
    return replace(known, vector_collate_s=vector_s * scale, joined=joined)


def join_of(joined: Mapping[str, Any]) -> Join:
    """The function that `joined` says."""
    from unslow.helpers import vectorised_collate

    helper = cast(Any, vectorised_collate)
    fields = [
        helper.Field(field["place"], field["dtype"], None if field["shape"] is None else tuple(field["shape"]))
        for field in joined["fields"]
    ]
    if joined["form"] == "dict":
        named = zip(joined["fields"], fields, strict=True)
        return helper.Joined({field["key"]: made for field, made in named})
    return helper.Joined(fields[0] if not joined["form"] else tuple(fields) if joined["form"] == "tuple" else fields)


def _seconds(join: Join, batch: Sequence[Any]) -> float:
    """The least of several times, after one that warms up; fewer, where it takes long."""
    join(list(batch[: max(1, len(batch) // 8)]))
    taken: list[float] = []
    while len(taken) < TRIED_TIMES and sum(taken) < TRIED_S:
        started = time.perf_counter()
        join(list(batch))
        taken.append(time.perf_counter() - started)
    return min(taken)


def _place(collate: Any) -> Site | None:
    """Where the function that joins is written, if it is the user's own."""
    code = getattr(collate, "__code__", None)
    return own_site(code) if isinstance(code, CodeType) else None


def _joined(collate: Join, items: Sequence[Any], known: LoaderFacts) -> dict[str, Any]:
    """How each field is joined.

    Raises
    ------
    _NoJoin
        The result of the loader's own function, for some batch, is not what such joins give.
    """
    if getattr(collate, "__module__", "").startswith("torch.utils.data"):
        raise _NoJoin("it joins as PyTorch does by default")
    if not known.fixed_shapes:
        raise _NoJoin("its items differ in shape, or are not made of arrays and numbers")
    before, result = random_state(), collate(list(items))
    if not same_state(before, random_state()):
        raise _NoJoin("joining draws random numbers")
    form = _form(result)
    fields = [_field(key, part, items) for key, part in _parts(result)]
    joined = {"form": form, "fields": fields}
    join = join_of(joined)
    for batch in (items, items[::-1], items[:1], items[: len(items) // 2 + 1]):
        if not _alike(join(list(batch)), collate(list(batch))):
            raise _NoJoin("its result is more than its items' fields, joined")
    return joined


def _form(result: object) -> str:
    return FORMS.get(type(result), "")


def _parts(result: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(result, dict):
        yield from cast(dict[Any, Any], result).items()
    elif type(result) in (tuple, list):
        yield from ((None, part) for part in result)
    else:
        yield None, result


def _field(key: Any, part: Any, items: Sequence[Any]) -> dict[str, Any]:
    """The first place in the items whose values, joined, are that part of the result."""
    if not is_array(part) or not isinstance(key, (str, int, type(None))):
        raise _NoJoin("its result is not made of arrays alone")
    library = "torch" if hasattr(part, "detach") else "numpy"
    dtype = f"{library}.{str(part.dtype).removeprefix('torch.')}"
    for place in _places(items[0], key):
        values = [item if place is None else item[place] for item in items]
        if len({_kind(value) for value in values}) > 1:
            raise _NoJoin("its items differ in type")
        for shape in (None, list(part.shape[1:])):
            field = {"key": key, "place": place, "dtype": dtype, "shape": shape}
            if _gives(field, items, part):
                return field
    raise _NoJoin("its result is more than its items' fields, joined")


def _places(item: Any, key: Any) -> list[Any]:
    """Where an item holds values; the one called as the part of the result first."""
    if isinstance(item, dict):
        keys = [*cast(dict[Any, Any], item)]
        return sorted(keys, key=lambda one: one != key)
    return [*range(len(item))] if type(item) in (tuple, list) else [None]


def _type(value: object) -> type:
    return type(value)


def _kind(value: Any) -> tuple[Any, ...]:
    kind = _type(value)
    return (kind, value.dtype, tuple(value.shape)) if is_array(value) else (kind,)


def _gives(field: Mapping[str, Any], items: Sequence[Any], part: Any) -> bool:
    try:
        return _alike(join_of({"form": "", "fields": [field]})(items), part)
    except Exception:  # What cannot be joined is not the part.
        return False


def _alike(a: Any, b: Any) -> bool:
    """Whether two results are the same to the bit, in the same form, of the same types, laid out alike."""
    if type(a) is not type(b) or not same(a, b):
        return False
    pairs = list(zip(_parts(a), _parts(b), strict=True))
    return all(one[0] == other[0] and _layout(one[1]) == _layout(other[1]) for one, other in pairs)


def _layout(part: Any) -> tuple[Any, ...]:
    if hasattr(part, "detach"):
        return "torch", part.dtype, part.stride(), part.requires_grad
    kind = _type(part)
    return kind, getattr(part, "dtype", None), getattr(part, "strides", None)
