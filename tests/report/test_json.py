"""The JSON is what its published schemas say, and a report that is read back is the report."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from tests.report import build

from unslow.core.difference import difference
from unslow.core.errors import BadInput
from unslow.report.json import (
    comparison_json,
    diagnosis_json,
    difference_json,
    profile_json,
    render,
    report_from_json,
    report_json,
)

SCHEMAS = Path(__file__).parents[2] / "docs" / "schemas"
REPORTS = build.all_reports()


@cache
def validator_of(kind: str) -> Any:
    schema = json.loads((SCHEMAS / f"{kind}-1.json").read_text(encoding="utf-8"))
    validator: Any = jsonschema.Draft202012Validator
    validator.check_schema(schema)
    return validator(schema)


def check(data: Any, kind: str) -> None:
    validator_of(kind).validate(json.loads(json.dumps(data, allow_nan=False)))


def refused(data: Any, kind: str) -> bool:
    return not validator_of(kind).is_valid(data)


def spoilt(data: Any, path: tuple[Any, ...], add: bool) -> Any:
    """A copy in which the key at the end of `path` is gone, or misspelt as well."""
    copy = json.loads(json.dumps(data))
    place = copy
    for key in path[:-1]:
        place = place[key]
    value = place.pop(path[-1])
    if add:
        place[f"{path[-1]}_"] = value
    return copy


def every_key(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of every key, not looking into what is the user's or a fix's own."""
    free = {
        "evidence",
        "parameters",
        "metric",
        "agreement",
        "numeric",
        "drift",
        "requests",
        "shares",
        "libraries",
        "floors",
    }
    if isinstance(value, dict):
        inner = [(*path, k) for k in value]
        return inner + [
            p
            for k, v in value.items()
            if k not in free and not (k == "environment" and path)
            for p in every_key(v, (*path, k))
        ]
    if isinstance(value, list) and value:
        return every_key(value[0], (*path, 0))
    return []


def documents() -> dict[str, Any]:
    report = build.winner()
    return {
        "report": report_json(report),
        "diagnosis": diagnosis_json(report),
        "comparison": comparison_json(build.comparison()),
        "profile-difference": difference_json(difference(build.profile(), build.profile(), ("a", "b"))),
        "profile": profile_json(build.profile(), report.target, report.environment, 3.2),
    }


@pytest.mark.parametrize("kind", ["report", "diagnosis", "comparison", "profile", "profile-difference"])
def test_a_missing_or_misspelt_key_is_refused(kind: str) -> None:
    data = documents()[kind]
    paths = every_key(data)
    assert len(paths) > 15
    for path in paths:
        assert refused(spoilt(data, path, add=False), kind), f"{path} may be missing"
        assert refused(spoilt(data, path, add=True), kind), f"{path} may be misspelt"


@pytest.mark.parametrize("kind", ["report", "diagnosis", "comparison", "profile", "profile-difference"])
def test_another_version_is_refused(kind: str) -> None:
    assert refused({**documents()[kind], "schema": f"unslow.{kind}/2"}, kind)


@pytest.mark.parametrize("kind", ["report", "diagnosis", "comparison", "profile", "profile-difference"])
def test_every_document_is_what_its_schema_says(kind: str) -> None:
    check(documents()[kind], kind)


@pytest.mark.parametrize("name", REPORTS)
def test_every_report_and_diagnosis_is_what_its_schema_says(name: str) -> None:
    check(report_json(REPORTS[name]), "report")
    check(diagnosis_json(REPORTS[name]), "diagnosis")


@pytest.mark.parametrize("text", ["short", build.HOSTILE, ""])
def test_every_comparison_is_what_its_schema_says(text: str) -> None:
    check(comparison_json(build.failed_comparison(text)), "comparison")


def test_a_profile_without_target_and_machine_is_what_its_schema_says() -> None:
    check(profile_json(build.hostile_profile()), "profile")


def test_a_diagnosis_has_nothing_of_a_race() -> None:
    assert not {"trials", "winner", "bundle", "noise", "objective"} & diagnosis_json(build.winner()).keys()


def test_findings_are_flat_in_the_order_of_the_diagnosis() -> None:
    """Which puts an unbounded one first where most is at stake in it; only what is not worth fixing comes last."""
    padding, *others = [rated for rated in build.findings() if rated.finding.habit == "padding-waste"]
    others += [rated for rated in build.findings() if rated != padding]
    hopeless = [rated for rated in others if not rated.worth_fixing]
    worth = [padding, *(rated for rated in others if rated.worth_fixing)]
    shown = report_json(replace(build.winner(), findings=(*hopeless, *worth)))["findings"]
    assert [f["habit"] for f in shown] == [rated.finding.habit for rated in (*worth, *hopeless)]
    assert hopeless and shown[0]["habit"] == "padding-waste" and shown[0]["ceiling"] is None


@pytest.mark.parametrize("name", [name for name in REPORTS if name != "not-numbers"])
def test_a_report_read_back_is_the_same_report(name: str) -> None:
    assert report_from_json(json.loads(render(REPORTS[name]))) == REPORTS[name]


def test_a_report_without_numbers_read_back_writes_the_same_text() -> None:
    text = render(build.not_numbers())
    assert render(report_from_json(json.loads(text))) == text


@pytest.mark.parametrize(
    "damage",
    [
        {"schema": "unslow.report/2"},
        {"schema": None},
        {"findings": None},
        {"findings": [{}]},
        {"trials": [{"id": "a"}]},
        {"trials": 3},
        {"elapsed_s": "soon"},
    ],
)
def test_a_damaged_report_is_refused_in_two_plain_lines(damage: dict[str, Any]) -> None:
    with pytest.raises(BadInput) as caught:
        report_from_json({**report_json(build.winner()), **damage})
    assert caught.value.what and caught.value.todo
