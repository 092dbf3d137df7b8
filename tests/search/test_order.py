from __future__ import annotations

import math

import pytest

from made import heats, ran, variant
from unslow.core.heat import Heat
from unslow.core.options import Options
from unslow.search.order import FAILED_ODDS, RACE_SECONDS, next_candidate, score
from unslow.search.space import Candidate


def candidate(name: str = "a", potential: float = 2.0, odds: float = 0.5, build_seconds: float = 2.0) -> Candidate:
    return Candidate(variant(*name.split("+")), "original", potential, odds, build_seconds, "exact")


def chosen(*found: Candidate, leader: float = 1.0, left_s: float = 100.0, so_far: dict[str, Heat] | None = None) -> str:
    best = next_candidate(found, so_far or {}, leader, Options(), left_s)
    return str(best.variant) if best else ""


def test_nothing_is_chosen_from_nothing() -> None:
    assert chosen() == ""


@pytest.mark.parametrize(("leader", "name"), [(1.0, "a"), (1.94, "a"), (1.95, ""), (3.0, "")])
def test_what_cannot_beat_the_leader_is_not_tried(leader: float, name: str) -> None:
    assert chosen(candidate(), leader=leader) == name


@pytest.mark.parametrize(("left_s", "name"), [(5.9, ""), (6.0, "a"), (-1.0, "")])
def test_what_does_not_fit_into_the_time_left_is_not_tried(left_s: float, name: str) -> None:
    assert chosen(candidate(), left_s=left_s) == name


def test_a_cheap_one_goes_before_one_that_no_longer_fits() -> None:
    assert chosen(candidate("dear", 9.0, build_seconds=40), candidate("cheap", 1.2), left_s=20) == "cheap"


def test_the_gain_per_second_decides() -> None:
    assert chosen(candidate("a", 2.0), candidate("b", 3.0)) == "b"
    assert chosen(candidate("a", odds=0.2), candidate("b", odds=0.4)) == "b"
    assert chosen(candidate("a", build_seconds=45), candidate("b", build_seconds=2)) == "b"


def test_ties_go_to_fewer_fixes() -> None:
    assert chosen(candidate("a+b"), candidate("c")) == "c"


def test_endless_promises_are_ordered_by_odds_and_cost() -> None:
    assert chosen(candidate("a", math.inf, build_seconds=45), candidate("b", math.inf, build_seconds=2)) == "b"
    assert chosen(candidate("a", math.inf), candidate("b", math.inf, odds=0.9), leader=500) == "b"


@pytest.mark.parametrize("trouble", [{"failure": "It crashed."}, {"lost": "It answers NaN."}])
def test_what_failed_elsewhere_is_less_likely_to_work_here(trouble: dict[str, str]) -> None:
    so_far = heats(ran(variant("x", "a"), **trouble))
    assert score(candidate("a"), so_far, 1.0) == pytest.approx(FAILED_ODDS * score(candidate("a"), {}, 1.0), rel=1e-6)
    # Only as the last fix: below another it did work.
    assert score(candidate("a"), heats(ran(variant("a", "x"), **trouble)), 1.0) == score(candidate("a"), {}, 1.0)
    assert score(candidate("a"), heats(ran(variant("x", "a"))), 1.0) == score(candidate("a"), {}, 1.0)


def test_the_score_is_the_expected_log_gain_per_second() -> None:
    assert score(candidate(), {}, 1.0) == pytest.approx(0.5 * math.log(2) / (2 + RACE_SECONDS), rel=1e-6)


PLAIN, ABOVE, OTHER = variant("x"), variant("a"), variant("x", "a")


def kept(found: Candidate, speedups: dict[str, float]) -> bool:
    so_far = heats(ran(PLAIN), ran(ABOVE), ran(OTHER))
    return next_candidate([found], so_far, 1.0, Options(), 100.0, speedups) is not None


@pytest.mark.parametrize(
    ("odds", "speedups", "is_tried"),
    [
        (0.2, {}, True),  # nothing is known of it
        (0.2, {ABOVE.id: 1.3}, True),
        (0.2, {ABOVE.id: 1.01}, False),
        (0.4, {ABOVE.id: 1.01}, True),  # likely enough to be tried in another form all the same
        (0.2, {PLAIN.id: 2.0, OTHER.id: 2.6}, True),  # it gave something on top of another
        (0.2, {PLAIN.id: 2.0, OTHER.id: 2.0}, False),
        (0.2, {ABOVE.id: 0.7, PLAIN.id: 2.0, OTHER.id: 2.6}, True),  # its best counts
        (0.05, {}, True),  # rare, but never tried
    ],
)
def test_what_gave_nothing_is_not_tried_again_in_yet_another_form(
    odds: float, speedups: dict[str, float], is_tried: bool
) -> None:
    assert kept(candidate("a", odds=odds), speedups) == is_tried


def test_nor_is_anything_put_on_what_gave_nothing() -> None:
    on_top = Candidate(variant("b", "c"), variant("b").id, 3.0, 0.2, 1.0, "exact")
    assert kept(on_top, {variant("b").id: 1.5})
    assert not kept(on_top, {variant("b").id: 1.0})
