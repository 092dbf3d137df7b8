from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unslow.core.profile import Profile, Span
from unslow.read._looking import without_looking

STEP = (
    Span("step", "framework", 0, 1000),
    Span("forward", "compute", 100, 400, 0),
    Span("log", "io", 450, 800, 0),
    Span("log", "io", 500, 700, 2),
)


def times(spans: list[Span]) -> list[tuple[int, int]]:
    return [(span.start_ns, span.end_ns) for span in spans]


@pytest.mark.parametrize("cost_ns", [0.0, -20.0])
def test_nothing_is_taken_out_where_it_cost_nothing(cost_ns: float) -> None:
    assert without_looking(STEP, cost_ns) == list(STEP)


def test_a_step_without_calls_is_left_as_it_is() -> None:
    assert times(without_looking(STEP[:1], 100.0)) == [(0, 1000)]


def test_it_lies_before_each_start_and_after_each_end() -> None:
    spans = without_looking(STEP, 60.0)  # of three calls: 10 on either side of each
    assert times(spans) == [(0, 940), (90, 390), (420, 750), (460, 660)]


def test_of_a_short_stretch_no_more_than_it_has_is_taken() -> None:
    spans = without_looking(STEP, 600.0)  # 100 on either side: between the first two are 50
    assert times(spans) == [(0, 600), (0, 300), (300, 500), (300, 500)]


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50), st.booleans()), max_size=12), st.floats(0, 2000))
def test_what_is_left_is_a_profile_still(calls: list[tuple[int, int, bool]], cost_ns: float) -> None:
    spans, now = [Span("step", "framework", 0, 5000)], 0
    for before, lasts, is_child in calls:
        last = len(spans) - 1
        if is_child and last and spans[last].parent == 0:
            start = min(spans[last].start_ns + before, spans[last].end_ns)
            spans.append(Span("inner", "io", start, min(start + lasts, spans[last].end_ns), last))
            continue
        spans.append(Span("call", "compute", now + before, now + before + lasts, 0))
        now = spans[-1].end_ns
    moved = without_looking(spans, cost_ns)
    assert Profile(tuple(moved), "script").self_check().wall_ns <= 5000
    leaves = [place for place in range(len(spans)) if all(span.parent != place for span in spans)]
    assert all(moved[place].duration_ns == spans[place].duration_ns for place in leaves if place)
