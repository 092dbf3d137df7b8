from __future__ import annotations

from dataclasses import replace

import pytest

from unslow.core.device import Device
from unslow.core.difference import ONE_EACH, difference, incomparable
from unslow.core.profile import Category, Profile, Span

MS = 1_000_000
Part = tuple[str, Category, int]


def recorded(*parts: Part, steps: int = 2, source: str = "kineto") -> Profile:
    """`steps` of 10 ms, each with these parts (name, category, ms) one after the other."""
    spans: list[Span] = []
    for step in range(steps):
        start = at = step * 10 * MS
        root = len(spans)
        spans.append(Span("step", "framework", start, start + 10 * MS))
        for name, category, length in parts:
            spans.append(Span(name, category, at, at + length * MS, root))
            at += length * MS
    return Profile(tuple(spans), source, steps).self_check()


def test_the_same_twice_has_no_difference_and_is_comparable() -> None:
    one = recorded(("mm", "compute", 4))
    found = difference(one, one, ("a", "b"))
    assert found.comparable and found.notes == (ONE_EACH,)
    assert {change.difference_ms for change in (found.step, *found.categories, *found.names)} == {0.0}


def test_a_difference_is_of_a_step_whatever_the_number_of_steps() -> None:
    found = difference(recorded(("mm", "compute", 4)), recorded(("mm", "compute", 4), steps=7), ("a", "b"))
    assert found.step.difference_ms == 0 and {change.difference_ms for change in found.names} == {0.0}


def test_the_largest_comes_first_and_what_is_new_or_gone_is_marked() -> None:
    before = recorded(("load", "data", 3), ("mm", "compute", 4))
    after = recorded(("mm", "compute", 5), ("copy", "transfer", 1))
    found = difference(before, after, ("a", "b"))
    assert [change.name for change in found.names] == ["load", "copy", "mm", "step"]
    gone, new = found.names[0], found.names[1]
    assert (gone.before_ms, gone.after_ms, gone.difference_ms) == (3.0, None, -3.0)
    assert (new.before_ms, new.after_ms, new.difference_ms) == (None, 1.0, 1.0)


def test_categories_and_names_each_sum_to_the_step() -> None:
    before, after = recorded(("a", "compute", 4)), recorded(("a", "compute", 2), ("b", "io", 5))
    found = difference(before, replace(after, spans=after.spans[:3]), ("a", "b"))
    for changes in (found.categories, found.names):
        assert sum(change.difference_ms for change in changes) == pytest.approx(found.step.difference_ms)


MARKED = recorded(("mm", "compute", 4))
UNMARKED = replace(MARKED, spans=(replace(MARKED.spans[0], details={"mark": "unmarked"}), *MARKED.spans[1:]))


def test_a_lost_kernel_or_two_of_thousands_change_nothing() -> None:
    assert not incomparable(MARKED, replace(MARKED, lost=0.0004))


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (replace(MARKED, spans=()), "no steps"),
        (replace(MARKED, source="onnxruntime"), "by kineto, the other by onnxruntime"),
        (replace(MARKED, devices=(Device("GPU 0", (), 0, 1),)), "a device's work"),
        (replace(MARKED, distortion=0.2), "cost 2 % and 20 % of a step"),
        (replace(MARKED, lost=0.25), "25 % of the kernels"),
        (UNMARKED, "nothing marks the steps"),
    ],
)
def test_what_cannot_be_held_against_each_other_is_said(other: Profile, said: str) -> None:
    reasons = incomparable(replace(MARKED, distortion=0.02), other)
    assert len(reasons) == 1 and said in reasons[0]
    assert not difference(replace(MARKED, distortion=0.02), other, ("a", "b")).comparable
