from __future__ import annotations

import pytest

from unslow.core.errors import BadUsage
from unslow.record.distortion import Costs, distortion


def test_equal_times_are_no_distortion() -> None:
    assert distortion([2.0, 1.0, 3.0], [2.0]) == 0.0


def test_one_interrupted_step_does_not_count() -> None:
    assert distortion([1.0, 1.0, 1.0], [1.0, 1.0, 900.0]) == 0.0


def test_noise_may_make_it_negative() -> None:
    assert distortion([2.0], [1.0]) == -0.5


def test_steps_are_compared_with_their_neighbours_so_that_drift_does_not_count() -> None:
    assert distortion([1.0, 2.0, 3.0, 9.0, 9.0], [1.1, 2.2, 3.3, 9.9, 9.9]) == pytest.approx(0.1)
    assert distortion([1.0, 1.0, 1.0, 3.0, 3.0], [1.1, 1.1, 3.3, 3.3, 3.3]) == pytest.approx(0.1)


def test_without_neighbours_it_is_the_ratio_of_the_medians_less_one() -> None:
    assert distortion([1.0, 2.0, 3.0], [3.0]) == pytest.approx(0.5)


@pytest.mark.parametrize(("bare", "recorded"), [([], [1.0]), ([1.0], []), ([0.0], [1.0])])
def test_needs_times(bare: list[float], recorded: list[float]) -> None:
    with pytest.raises(BadUsage):
        distortion(bare, recorded)


def costs(*pairs: tuple[float, float]) -> Costs:
    noted = Costs()
    for bare, looked_at in pairs:
        noted.note(False, bare)
        noted.note(True, looked_at)
    return noted


def test_what_looking_adds_to_a_thread_is_a_part_of_the_step() -> None:
    assert costs((0.010, 0.0), *[(0.010, 0.012)] * 4, (0.010, 0.9)).distortion(0.1) == pytest.approx(0.02)
    assert costs(*[(0.010, 0.012)] * 5).distortion(0.01) == pytest.approx(0.2)
    assert costs(*[(0.012, 0.010)] * 5).distortion(0.1) == pytest.approx(-0.02)


def test_what_is_lost_among_steps_that_differ_is_not_known() -> None:
    photos = [(0.010, 0.020), (0.020, 0.011), (0.015, 0.016), (0.010, 0.018), (0.017, 0.012), (0.012, 0.020)]
    assert costs(*photos).distortion(0.02) is None


def test_what_is_far_above_how_steps_differ_is_known() -> None:
    slowed = [(0.010, 0.050), (0.012, 0.054), (0.011, 0.049), (0.010, 0.052), (0.012, 0.051)]
    assert costs(*slowed).distortion(0.01) == pytest.approx(4.0, abs=0.2)


def test_steps_of_two_kinds_are_no_distortion() -> None:
    assert costs(*[(0.010, 0.020)] * 9, *[(0.020, 0.010)] * 8).distortion(0.1) is None
    assert costs(*[(0.010, 0.011)] * 90, *[(0.011, 0.010)] * 80).distortion(0.1) == pytest.approx(0.001, abs=0.001)


def test_without_steps_of_both_kinds_or_time_nothing_is_known() -> None:
    noted = Costs()
    noted.note(True, 0.1)
    assert noted.distortion(1.0) is None and costs(*[(0.1, 0.1)] * 5).distortion(0.0) is None


def test_a_few_neighbours_tell_nothing() -> None:
    assert costs(*[(0.010, 0.012)] * 4).distortion(0.01) is None
