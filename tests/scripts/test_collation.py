from __future__ import annotations

import random
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from handmade import loader
from unslow.core.script import LoaderFacts
from unslow.scripts.collation import collated, join_of

torch = pytest.importorskip("torch")

RANDOM = np.random.default_rng(0)
PAIRS = [(RANDOM.random(3), n) for n in range(8)]
TENSORS = [{"x": torch.arange(3.0) + n, "y": bool(n % 2)} for n in range(8)]


def tried(collate: Callable[..., Any], items: list[Any]) -> LoaderFacts:
    return collated(SimpleNamespace(collate_fn=collate), items, loader(item_bytes=32, collate_s=0.0, item_s=1e-6))


def in_loops(items: list[Any]) -> Any:
    rows = torch.zeros(len(items), 3)
    for n, (row, _) in enumerate(items):
        for place, number in enumerate(row):
            rows[n, place] = float(number)
    return rows, torch.tensor([label for _, label in items])


class TestWhatIsNoJoin:
    @pytest.mark.parametrize(
        ("collate", "why"),
        [
            (lambda items: (torch.stack([torch.tensor(row) for row, _ in items]) / 255,), "more than"),
            (lambda items: torch.tensor(np.stack([row for row, _ in items]).mean(0)), "more than"),
            (lambda items: [row for row, _ in items], "more than"),
            (lambda items: {"x": ["a" for _ in items]}, "arrays alone"),
            (lambda items: (torch.tensor([float(row[0]) for row, _ in items]),), "more than"),
            (lambda items: torch.tensor([n + random.random() for _, n in items]), "random"),
            (lambda items: torch.tensor([n for _, n in sorted(items, key=lambda item: item[1])]), "more than"),
            (lambda items: torch.tensor([n for _, n in items]) + (len(items) == 8) - 1, "more than"),
            (lambda items: torch.stack([torch.tensor(row) for row, _ in items], 1).T, "more than"),
        ],
    )
    def test_more_than_the_fields(self, collate: Callable[..., Any], why: str) -> None:
        known = tried(collate, PAIRS)
        assert why in known.why_not_vectorised and not known.joined and known.collate_s > 0

    def test_what_raises(self) -> None:
        known = tried(lambda items: items[9], PAIRS)
        assert known.collate_s == 0 or "raised" in known.why_not_vectorised

    def test_a_batch_of_another_size_raises(self) -> None:
        def exactly(items: list[Any]) -> Any:
            assert len(items) > 1
            return torch.tensor([n for _, n in items])

        assert "raised AssertionError" in tried(exactly, PAIRS).why_not_vectorised

    def test_pytorchs_own(self) -> None:
        from torch.utils.data import default_collate

        assert "by default" in tried(default_collate, PAIRS).why_not_vectorised

    def test_items_that_differ(self) -> None:
        mixed = [(row, n if n else 0.0) for row, n in PAIRS]
        assert "differ in type" in tried(lambda items: torch.tensor([n for _, n in items]), mixed).why_not_vectorised


class TestWhatIsOne:
    @pytest.mark.parametrize(
        ("collate", "items"),
        [
            (in_loops, PAIRS),
            (lambda items: [np.array([row for row, _ in items]), np.array([n for _, n in items], np.int32)], PAIRS),
            (lambda items: torch.tensor([[n] for _, n in items]), PAIRS),
            (lambda items: torch.tensor([[float(one) for one in item["x"]] for item in items]), TENSORS),
            (
                lambda items: {
                    "y": torch.tensor([item["y"] for item in items]),
                    "x": torch.stack([item["x"] for item in items]).double(),
                },
                TENSORS,
            ),
        ],
    )
    def test_the_same_to_the_bit(self, collate: Callable[..., Any], items: list[Any]) -> None:
        known = tried(collate, items)
        assert known.joined and not known.why_not_vectorised and known.vector_collate_s > 0
        joined, expected = join_of(known.joined)(items[3:6]), collate(items[3:6])
        assert type(joined) is type(expected) and repr(joined) == repr(expected)

    def test_where_the_function_stands(self) -> None:
        known = tried(in_loops, PAIRS)
        place = known.collate
        assert place is not None and place.file.endswith("test_collation.py") and place.end_line == place.line + 5


def test_an_item_that_does_not_fit_raises() -> None:
    join = join_of(tried(in_loops, PAIRS).joined)
    with pytest.raises(ValueError):
        join([*PAIRS, (np.zeros(4), 1)])
    with pytest.raises(TypeError):
        join([(np.zeros(3), 0.5)])
