from __future__ import annotations

import numpy as np

from unslow.core.intervals import covered, union

SINCE_1970 = 1_700_000_000_000_000_000


def test_nothing_covers_nothing() -> None:
    assert covered(union([]), np.asarray([0, 5, 9])).tolist() == [0, 0]


def test_what_lies_beyond_the_edges_counts_for_nothing() -> None:
    assert covered(union([(0, 4), (90, 99)]), np.asarray([4, 10, 90])).tolist() == [0, 0]


def test_an_interval_is_shared_out_over_the_columns_that_it_crosses() -> None:
    assert covered(union([(2, 7), (8, 9)]), np.asarray([0, 3, 6, 9])).tolist() == [1, 3, 2]


def test_times_since_1970_are_exact() -> None:
    edges = np.asarray([SINCE_1970, SINCE_1970 + 3, SINCE_1970 + 6])
    assert covered(union([(SINCE_1970 + 2, SINCE_1970 + 5)]), edges).tolist() == [1, 2]
