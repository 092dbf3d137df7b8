"""`report.json` and what `--json` prints: the stable interface. Its schemas are in `docs/schemas/`.

The nouns are written field by field by their type hints (`core.jsonable`), so that a field is listed once. Only a
finding has another shape outside: flat, with its ceiling, the best first. Infinities and NaN are the strings
"inf", "-inf" and "nan".
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from unslow.core.comparison import Comparison
from unslow.core.difference import Change, Difference
from unslow.core.errors import BadInput
from unslow.core.jsonable import from_json, to_json
from unslow.core.machine import Machine
from unslow.core.profile import Profile
from unslow.core.trial import ProfileSummary, RatedFinding, Report
from unslow.report._renderer import Renderer
from unslow.report._summary import summarised

REPORT_SCHEMA = "unslow.report/1"
DIAGNOSIS_SCHEMA = "unslow.diagnosis/1"
COMPARISON_SCHEMA = "unslow.comparison/1"
PROFILE_SCHEMA = "unslow.profile/1"
DIFFERENCE_SCHEMA = "unslow.profile-difference/1"

_OF_A_RACE = ("trials", "winner", "noise", "objective", "bundle", "load", "patch", "untried", "needs_trust")
_RATING = ("ceiling", "worth_fixing", "fixes")


def report_json(report: Report) -> dict[str, Any]:
    """The whole result of `fix`, as plain JSON."""
    return {"schema": REPORT_SCHEMA, **to_json(report), "findings": findings_json(report.findings)}


def diagnosis_json(report: Report) -> dict[str, Any]:
    """What slows the target: the same as a report without what only a race has."""
    shown = {key: value for key, value in report_json(report).items() if key not in _OF_A_RACE}
    return {**shown, "schema": DIAGNOSIS_SCHEMA}


def comparison_json(comparison: Comparison) -> dict[str, Any]:
    """Whether b is faster than a, as plain JSON."""
    return {"schema": COMPARISON_SCHEMA, **to_json(comparison)}


def profile_json(
    profile: Profile | ProfileSummary,
    target: str = "",
    environment: Machine | None = None,
    elapsed_s: float | None = None,
) -> dict[str, Any]:
    """Where the time goes, as plain JSON. The spans themselves are in `profile.perfetto.json`."""
    summary = profile if isinstance(profile, ProfileSummary) else summarised(profile)
    return {
        "schema": PROFILE_SCHEMA,
        "target": target,
        "environment": to_json(environment),
        "profile": to_json(summary),
        "elapsed_s": to_json(elapsed_s),
    }


def difference_json(difference: Difference) -> dict[str, Any]:
    """What changed between two profiles, as plain JSON; `difference_ms` beside each pair."""
    changes = {key: [_change(one) for one in getattr(difference, key)] for key in ("categories", "names")}
    whole = to_json(difference)
    return {"schema": DIFFERENCE_SCHEMA, **whole, "step": _change(difference.step), **changes}


def _change(change: Change) -> dict[str, Any]:
    return {**to_json(change), "difference_ms": change.difference_ms}


def findings_json(findings: tuple[RatedFinding, ...]) -> list[dict[str, Any]]:
    """The findings flat, in the order of `best_first`."""
    return [_flat(rated) for rated in best_first(findings)]


def best_first(findings: tuple[RatedFinding, ...]) -> tuple[RatedFinding, ...]:
    """Worth fixing before not; else in the diagnosis' own order, which knows where more is at stake in what nobody can
    bound than in all that is bounded (see `habits.ranked`)."""
    return tuple(sorted(findings, key=lambda rated: not rated.worth_fixing))


def _flat(rated: RatedFinding) -> dict[str, Any]:
    data = to_json(rated)
    return {**data.pop("finding"), **data}


def report_from_json(data: Mapping[str, Any]) -> Report:
    """The report that `report_json` wrote; its findings come back best first.

    Raises
    ------
    BadInput
        It is no report, of another version, or does not fit.
    """
    if data.get("schema") != REPORT_SCHEMA:
        found = data.get("schema", "JSON without a schema")
        raise BadInput(f"This is {found!r}, not {REPORT_SCHEMA!r}.", "Give a report.json.")
    try:
        findings = [_nested(flat) for flat in data["findings"]]
        return from_json(Report, {**data, "findings": findings})
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise BadInput(
            f"The report is damaged: {error}.", "Run `unslow fix` again, or take an undamaged copy."
        ) from error


def _nested(flat: Mapping[str, Any]) -> dict[str, Any]:
    finding = {key: value for key, value in flat.items() if key not in _RATING}
    return {"finding": finding, **{key: flat[key] for key in _RATING}}


def render(report: Report, profile: Profile | None = None) -> str:
    """The text of `report.json`. ASCII only, so that no string in it can fail to encode."""
    return json.dumps(report_json(report), indent=1) + "\n"


RENDERER = Renderer(name="json", render=render, file="report.json")
