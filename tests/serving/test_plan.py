"""Which requests share a call."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unslow.core.workload import Serving
from unslow.serving.plan import plan


def planned(kinds: list[Hashable], lengths: list[int] | None = None, **serving: Any) -> list[tuple[int, ...]]:
    return plan(kinds, lengths or [1] * len(kinds), Serving(**serving))


def test_no_requests() -> None:
    assert planned([]) == []


def test_one_a_call() -> None:
    assert planned(["a", "a", "b"]) == [(0,), (1,), (2,)]


def test_kinds_do_not_mix() -> None:
    assert planned(["a", "b", "a", "b", "a"], batch_size=2) == [(0, 2), (1, 3), (4,)]


def test_requests_without_a_kind_stand_alone() -> None:
    assert planned([None, None, "a", "a"], batch_size=4) == [(0,), (1,), (2, 3)]


def test_the_last_group_may_be_smaller() -> None:
    assert planned(["a"] * 5, batch_size=2) == [(0, 1), (2, 3), (4,)]


def test_lengths_do_not_matter_without_buckets() -> None:
    assert planned(["a"] * 4, [9, 1, 8, 2], batch_size=2) == [(0, 1), (2, 3)]


def test_like_lengths_share_a_call() -> None:
    assert planned(["a"] * 4, [9, 1, 8, 2], batch_size=2, bucket=True) == [(1, 3), (2, 0)]


@given(
    st.lists(st.tuples(st.sampled_from(["a", "b", None]), st.integers(1, 9)), max_size=40),
    st.integers(1, 7),
    st.booleans(),
)
def test_every_request_once_in_groups_of_one_kind(requests: list[Any], batch_size: int, bucket: bool) -> None:
    kinds, lengths = [kind for kind, _ in requests], [length for _, length in requests]
    groups = planned(kinds, lengths, batch_size=batch_size, bucket=bucket)
    assert sorted(index for group in groups for index in group) == list(range(len(requests)))
    for group in groups:
        assert 1 <= len(group) <= batch_size
        assert len({kinds[index] for index in group}) == 1
        assert len(group) == 1 or kinds[group[0]] is not None


@pytest.mark.parametrize("batch_size", [0, -1])
def test_a_batch_has_at_least_one_request(batch_size: int) -> None:
    assert planned(["a", "a"], batch_size=batch_size) == [(0,), (1,)]
