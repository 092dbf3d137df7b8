from __future__ import annotations

import os
import pickle
from typing import Any

import numpy as np
import pytest
import torch

from unslow.helpers.cached_items import CachedItems


class Photos:
    """Counts how often each item was made."""

    classes = ("a", "b")

    def __init__(self, items: list[Any]) -> None:
        self.items, self.made = items, [0] * len(items)

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> Any:
        self.made[index] += 1
        return self.items[index]


def photos(count: int = 3) -> Photos:
    return Photos([(torch.full((2, 2), float(n)), n) for n in range(count)])


def test_each_item_is_made_once_and_comes_back_the_same() -> None:
    inner = photos()
    kept = CachedItems(inner)
    for _ in range(3):
        for n in range(3):
            pixels, label = kept[n]
            assert torch.equal(pixels, torch.full((2, 2), float(n))) and pixels.dtype is torch.float32
            assert label == n and type(label) is int
    assert inner.made == [2, 1, 1]  # the first also says what items look like


def test_what_is_done_to_an_item_is_not_done_to_the_kept_one() -> None:
    kept = CachedItems(photos())
    for _ in range(2):
        kept[1][0].add_(5)
    assert float(kept[1][0][0, 0]) == 1.0


@pytest.mark.parametrize(
    "item",
    [
        {"x": np.arange(3, dtype=np.int16), "y": [np.float64(0.5), True]},
        np.zeros((2, 0)),
        [torch.tensor(3), (1.5, 2)],
    ],
)
def test_structures_and_types_stay(item: Any) -> None:
    kept = CachedItems(Photos([item, item]))
    first, again = kept[1], kept[1]
    assert repr(first) == repr(again) and type(first) is type(again)


def test_an_item_of_another_shape_is_made_each_time() -> None:
    inner = Photos([np.zeros(2), np.zeros(3)])
    kept = CachedItems(inner)
    assert [kept[1].shape for _ in range(3)] == [(3,)] * 3
    assert inner.made[1] == 3


def test_no_more_is_kept_than_is_allowed() -> None:
    inner = photos(10)
    kept = CachedItems(inner, most_bytes=60)  # two items of 16 + 8 bytes
    for _ in range(2):
        for n in range(10):
            kept[n]
    assert inner.made == [2, 1] + [2] * 8


def test_places_from_the_end_and_past_it() -> None:
    kept = CachedItems(photos())
    assert kept[-1][1] == 2 and kept[2][1] == 2
    with pytest.raises(IndexError):
        kept[3]


def test_it_looks_like_the_data_set_otherwise() -> None:
    kept = CachedItems(photos())
    assert len(kept) == 3 and kept.classes == ("a", "b")
    with pytest.raises(AttributeError):
        _ = kept.nothing


def test_a_forked_process_fills_it_for_all() -> None:
    inner = photos()
    kept = CachedItems(inner).open()
    child = os.fork()
    if child == 0:
        kept[1]
        os._exit(0)
    os.waitpid(child, 0)
    assert kept[1][1] == 1 and inner.made[1] == 0


def test_it_can_be_pickled_without_what_it_keeps() -> None:
    kept = CachedItems([1.0, 2.0]).open()
    assert pickle.loads(pickle.dumps(kept))[1] == 2.0
