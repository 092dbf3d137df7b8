from __future__ import annotations

from dataclasses import replace

import pytest

from handmade import EMPTY, evidence, facts, machine, op, step
from unslow.core.finding import Finding
from unslow.habits import MOST_DISTORTION, abstention, diagnose, ranked

WAITING = step(op("aten::mm", 90, "int8"))
PADDED = step(op("aten::mm", 95, "int8"))


def names(findings: list[Finding]) -> list[str]:
    return [finding.habit for finding in findings]


def scored(name: str, share: float, floor: float) -> Finding:
    return Finding(name, f"{name}.", share, floor)


def unbounded(name: str, share: float) -> Finding:
    return Finding(name, f"{name}.", share, None)


def test_compute_bound_is_silent_while_a_cause_is_worth_its_while() -> None:
    assert "compute-bound" not in names(diagnose(evidence(PADDED, facts("function", padding_share=0.5))))


def test_compute_bound_answers_when_nothing_else_does() -> None:
    fine = facts("function", cpu_seconds_per_request=200e-6)
    assert names(diagnose(evidence(PADDED, fine))) == ["compute-bound"]


def test_compute_bound_answers_beside_what_is_not_worth_fixing() -> None:
    little = facts("function", cpu_seconds_per_request=200e-6, padding_share=0.02)
    findings = diagnose(evidence(PADDED, little))
    assert names(findings) == ["padding-waste", "compute-bound"]
    assert names(diagnose(evidence(PADDED, little), worth=1.01)) == ["padding-waste"]


def test_the_highest_ceiling_comes_first_and_what_is_not_worth_it_last() -> None:
    order = ranked([scored("c", 0.9, 0.99), scored("a", 0.3, 0.0), scored("b", 0.9, 0.5), unbounded("d", 0.1)])
    assert names(order) == ["b", "a", "d", "c"]


def test_an_unbounded_finding_comes_first_if_more_is_at_stake_in_it() -> None:
    order = ranked([scored("a", 0.6, 0.0), unbounded("u", 0.5), unbounded("v", 0.7), scored("b", 0.65, 0.5)])
    assert names(order) == ["v", "a", "b", "u"]


def test_an_unbounded_finding_that_would_give_less_in_all_does_not_come_first() -> None:
    slows_the_rest = replace(scored("a", 0.2, 0.0), rest_at_best=0.8)
    assert names(ranked([unbounded("u", 0.3), slows_the_rest])) == ["a", "u"]
    assert names(ranked([unbounded("u", 0.5), slows_the_rest])) == ["u", "a"]


def test_equals_keep_the_order_of_their_names() -> None:
    assert names(ranked([unbounded("b", 0.5), unbounded("a", 0.5)])) == ["a", "b"]


@pytest.mark.parametrize("distortion", [None, 0.0, -0.02, MOST_DISTORTION])
def test_a_recording_that_disturbs_little_is_trusted(distortion: float | None) -> None:
    assert abstention(replace(WAITING, distortion=distortion)) is None


def test_a_recording_that_disturbs_much_is_not() -> None:
    found = abstention(replace(WAITING, distortion=0.39))
    assert found is not None
    assert "39 %" in found.reason
    assert found.advice


def test_no_steps_are_no_evidence() -> None:
    found = abstention(EMPTY)
    assert found is not None
    assert "no steps" in found.reason and "prof.step()" in found.advice


def test_what_facts_prove_is_found_in_a_distorted_recording_too() -> None:
    distorted = replace(step(op("aten::mm", 50, "float64")), distortion=0.5)
    guilty = facts(grad_recorded=True, training=("drop",), parameter_bytes={"float64": 800})
    findings = diagnose(evidence(distorted, guilty, machine(floors={"graph/eager:dispatch": 0.1})))
    assert {"autograd-at-inference", "train-mode-at-inference", "float64-compute"} <= set(names(findings))
    assert {"python-bound", "compute-bound", "cores-idle"}.isdisjoint(names(findings))
    assert all(finding.ceiling is None for finding in findings)


def test_nothing_is_said_of_a_distorted_recording_where_facts_prove_nothing() -> None:
    distorted = replace(PADDED, distortion=0.5)
    assert diagnose(evidence(distorted, facts("function", cpu_seconds_per_request=200e-6))) == []
