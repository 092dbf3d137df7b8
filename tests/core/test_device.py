"""Intervals of a device's time."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unslow.core.device import Activity, Device
from unslow.core.intervals import clipped, gaps, total_ns, union

PAIRS = st.lists(
    st.tuples(st.integers(0, 60), st.integers(0, 60)).map(lambda pair: (min(pair), max(pair))), max_size=12
)


def moments(pairs: object) -> set[int]:
    return {moment for start, end in np.asarray(pairs).reshape(-1, 2).tolist() for moment in range(start, end)}


@given(PAIRS)
def test_a_union_has_each_moment_once(pairs: list[tuple[int, int]]) -> None:
    found = union(pairs)
    assert moments(found) == moments(pairs) and total_ns(found) == len(moments(pairs))
    assert all(end < start for end, start in zip(found[:-1, 1], found[1:, 0], strict=True))


@given(PAIRS, st.integers(0, 60), st.integers(0, 60))
def test_gaps_are_what_is_left_of_the_window(pairs: list[tuple[int, int]], one: int, other: int) -> None:
    start, end = min(one, other), max(one, other)
    window = set(range(start, end))
    assert moments(gaps(union(pairs), start, end)) == window - moments(pairs)
    assert moments(clipped(union(pairs), start, end)) == window & moments(pairs)


def test_a_device_is_busy_within_its_window_alone() -> None:
    kernels = (Activity("a", "kernel", 0, 30), Activity("b", "copy", 20, 50), Activity("c", "kernel", 90, 120))
    device = Device("GPU 0", kernels, 10, 110)
    assert device.share() == pytest.approx(0.6)
    assert device.share(lambda one: one.kind == "copy") == pytest.approx(0.3)


def test_nor_is_it_in_no_time() -> None:
    assert Device("GPU 0", (), 5, 5).share() == 0.0
