from __future__ import annotations

from typing import Any

import pytest

from unslow.core.profile import FREE, Profile, Span
from unslow.read._kineto_frees import with_frees

LARGE, SMALL = (16, 1024, 1024), (16, 64, 64)
MOST_NS = round(0.1 * 4 * 16 * 1024 * 1024)


def op(start: int, end: int, parent: int = 0, shape: tuple[int, ...] = LARGE, name: str = "aten::div") -> Span:
    details: dict[str, Any] = {"op": name, "shapes": [list(shape), []], "dtypes": ["float32", "Scalar"]}
    return Span(name, "compute", start, end, parent, details)


def step(end: int) -> Span:
    return Span("step", "framework", 0, end)


def frees(*spans: Span) -> list[Span]:
    with_them = Profile(with_frees(spans), "kineto").self_check()
    return [span for span in with_them.spans if span.name == FREE]


def test_nothing_large_nothing_long_and_nothing_at_all() -> None:
    assert not frees() and not frees(step(10**9))
    assert not frees(step(10**7), op(0, 10, shape=SMALL))
    assert not frees(step(40_010), op(0, 10))
    assert not frees(step(10**7), Span("a library's call", "framework", 0, 10, 0))


@pytest.mark.parametrize("name", ["aten::add_", "aten::embedding", "aten::addmm"])
def test_what_is_kept(name: str) -> None:
    assert not frees(step(10**7), op(0, 10, name=name))


def test_what_was_copied_may_be_freed() -> None:
    """As the scores are that a mask is filled into."""
    assert frees(step(10**7), op(0, 10, name="aten::copy_"))


def test_each_array_is_freed_once() -> None:
    second = op(10**8, 10**8 + 10, shape=SMALL)
    first, later = op(0, 10), op(2 * 10**8, 2 * 10**8 + 10, shape=SMALL)
    assert sum(span.duration_ns for span in frees(step(10**9), first, second, later)) == MOST_NS
    next_step = Span("step", "framework", 10**9, 2 * 10**9)
    late = op(10**9, 10**9 + 10, 2, SMALL)
    assert not frees(step(20), op(0, 10), next_step, late), "nor in the next step"


def test_it_may_be_freed_after_a_later_operator() -> None:
    (free,) = frees(step(10**7), op(0, 10), op(20, 30, shape=SMALL), op(40, 50, shape=SMALL))
    assert (free.start_ns, free.details["shapes"]) == (50, [list(LARGE)])


def test_what_is_too_short_for_an_array_leaves_it_held() -> None:
    """As a variable of a function is until it returns."""
    short = op(0, 10), op(100_000, 100_010, shape=SMALL)
    assert not frees(step(200_000), *short)
    (free,) = frees(step(10**7), *short, op(200_000, 200_010, shape=SMALL))
    assert (free.start_ns, free.duration_ns) == (200_010, MOST_NS)


def test_between_operators_within_one_nothing_is_freed() -> None:
    inner = op(0, 10, 1), op(10**6, 10**6 + 10, 1)
    around = Span("aten::matmul", "framework", 0, 10**6 + 10, 0)
    assert not frees(step(10**6 + 20), around, *inner)


@pytest.mark.parametrize(("gap_ns", "freed_ns"), [(2 * 10**6, 2 * 10**6), (10**8, MOST_NS)])
def test_what_follows_an_operator_on_a_large_array_up_to_what_freeing_can_take(gap_ns: int, freed_ns: int) -> None:
    (free,) = frees(step(gap_ns + 20), op(0, 10), op(gap_ns + 10, gap_ns + 20, shape=SMALL))
    assert (free.start_ns, free.duration_ns, free.parent) == (10, freed_ns, 0)
    assert free.details["shapes"] == [list(LARGE)] and free.category == "other"


def test_the_last_of_a_step_and_what_an_operator_calls() -> None:
    around = Span("aten::matmul", "framework", 0, 100, 0)
    (free,) = frees(step(2 * 10**6), around, op(0, 50, 1), Span("aten::_unsafe_view", "framework", 60, 90, 1))
    assert (free.start_ns, free.end_ns) == (100, 2 * 10**6)


def test_all_that_follows_keeps_its_parent() -> None:
    first, second = step(10**7), Span("step", "framework", 10**7, 2 * 10**7)
    spans = with_frees((first, op(0, 10), second, op(10**7, 10**7 + 10, 2), op(2 * 10**7 - 10, 2 * 10**7, 2)))
    assert [span.parent for span in spans] == [-1, 0, 0, -1, 3, 3, 3]
