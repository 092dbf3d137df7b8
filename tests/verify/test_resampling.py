"""What is drawn together."""

from __future__ import annotations

import numpy as np

from unslow.verify.resampling import units_of


def test_requests_are_their_own_units():
    units = units_of(5, None)
    drawn = units.draw(np.random.default_rng(0))
    assert (units.n_units, units.name, len(drawn)) == (5, "requests", 5)
    assert units.without(np.array([1, 3])).tolist() == [0, 2, 4]


def test_groups_are_drawn_whole():
    units = units_of(6, ["a", "a", "b", "b", "c", "c"])
    counts = np.bincount(units.draw(np.random.default_rng(1)), minlength=6)
    assert units.n_units == 3
    assert counts[0::2].tolist() == counts[1::2].tolist()
    assert counts.sum() == 6


def test_a_pair_is_repeated_by_the_product_of_its_members_counts():
    pairs = [("a", "b"), ("b", "c"), ("c", "a"), ("a", "a")]
    units = units_of(4, pairs)
    number = {"a": 0, "b": 1, "c": 2}
    for seed in range(20):
        counts = np.bincount(np.random.default_rng(seed).integers(0, 3, size=3), minlength=3)
        rows = np.bincount(units.draw(np.random.default_rng(seed)), minlength=4)
        assert rows[:3].tolist() == [counts[number[a]] * counts[number[b]] for a, b in pairs[:3]]
        assert rows[3] == counts[0]
    assert units.without(np.array([0])).tolist() == [1]


def test_arrays_and_sets_of_ids_are_collections_too():
    assert units_of(2, np.array([[1, 2], [2, 3]])).n_units == 3
    assert units_of(2, [frozenset({"x", "y"}), frozenset({"y"})]).n_units == 2
    assert units_of(2, np.array(["xy", "y"])).n_units == 2


def test_a_subset_keeps_the_row_numbers_and_its_own_units():
    part = units_of(4, [("a", "b"), ("b", "c"), ("d", "e"), ("d", "f")]).subset(np.array([False, False, True, True]))
    assert part.n_units == 3
    assert part.without(np.empty(0, np.intp)).tolist() == [2, 3]
    assert set(part.draw(np.random.default_rng(0)).tolist()) <= {2, 3}
