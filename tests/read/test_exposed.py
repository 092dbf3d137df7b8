"""What the steps wait for: parts that sum to all of their time."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from unslow.core.device import Activity, Device
from unslow.read._exposed import RANKS, Going, apart, exposed_spans, profile_of_devices

GOING = st.lists(
    st.tuples(st.sampled_from(RANKS), st.integers(0, 50), st.integers(0, 20)).map(
        lambda one: Going(one[0], one[0], "other", one[1], one[1] + one[2])
    ),
    max_size=15,
)


@given(GOING)
def test_each_moment_goes_to_what_comes_first_in_rank(going: list[Going]) -> None:
    spans = exposed_spans([("a", 5, 25), ("b", 30, 60)], going)
    found = Counter[str]()
    for span in spans[1:]:
        found[span.name] += span.duration_ns if span.parent >= 0 else 0
    expected = Counter[str]()
    for moment in (*range(5, 25), *range(30, 60)):
        on = [RANKS.index(one.kind) for one in going if one.start_ns <= moment < one.end_ns]
        if on:
            expected[RANKS[min(on)]] += 1
    assert +found == +expected


@given(GOING)
def test_the_parts_are_a_tree_that_sums_to_the_steps(going: list[Going]) -> None:
    device = Device("GPU 0", (Activity("k", "kernel", 10, 40),), 0, 50)
    profile = profile_of_devices("made", [device], [("a", 0, 20), ("b", 20, 50)], going).self_check()
    assert abs(sum(profile.shares.values()) - 1) < 1e-12 and profile.wall_ns == 50


def test_no_steps_is_said_and_the_whole_window_is_one() -> None:
    device = Device("GPU 0", (Activity("k", "kernel", 10, 40),), 10, 40)
    profile = profile_of_devices("made", [device], [], [])
    assert len(profile.steps) == 1 and profile.shares["compute"] == 1.0
    assert any("Nothing marks the steps" in note for note in profile.notes)


def test_the_device_that_was_busy_longest_is_the_one_that_is_shown() -> None:
    idle = Device("GPU 0", (Activity("k", "kernel", 10, 11),), 10, 40)
    busy = Device("GPU 1", (Activity("m", "kernel", 10, 30),), 10, 40)
    profile = profile_of_devices("made", [idle, busy], [], [])
    assert [span.name for span in profile.spans] == ["step", "m"] and profile.devices == (idle, busy)
    assert any("GPU 0, GPU 1" in note and "as GPU 1" in note for note in profile.notes)


def test_steps_that_overlap_are_one_marked_twice() -> None:
    assert apart([("b", 10, 20), ("a", 0, 10), ("a again", 1, 9)]) == [("a", 0, 10), ("b", 10, 20)]
