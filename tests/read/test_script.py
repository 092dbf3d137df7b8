from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import traces
from unslow.core.errors import BadInput
from unslow.read import read


def profile(tmp_path: Path, **changes: Any) -> Any:
    return read(traces.script(tmp_path / "script.json", **changes)).self_check()


@pytest.mark.parametrize(
    "changes",
    [
        {"steps": []},
        {"steps": [{"start_ns": 200, "end_ns": 100}]},
        {"steps": [{"start_ns": -1, "end_ns": 100}]},
        {"steps": "none"},
        {"spans": [{"kind": "data", "start_ns": "soon", "end_ns": 150}]},
    ],
)
def test_a_damaged_recording_is_a_plain_error(tmp_path: Path, changes: dict[str, Any]) -> None:
    with pytest.raises(BadInput):
        profile(tmp_path, **changes)


def test_what_no_call_covers_is_the_scripts_own_python(tmp_path: Path) -> None:
    seen = profile(tmp_path)
    assert seen.wall_ns == 200 and len(seen.steps) == 2
    assert seen.shares["data"] == 0.2 and seen.shares["compute"] == 0.25
    assert seen.shares["io"] == 0.4  # ended with its step
    assert seen.shares["framework"] == pytest.approx(0.15)
    assert sum(seen.shares.values()) == pytest.approx(1)


def test_a_call_within_a_call_is_its_child(tmp_path: Path) -> None:
    spans = profile(tmp_path).spans
    inner = next(span for span in spans if span.name == "backward")
    assert spans[inner.parent].name == "optimizer"
    assert spans[inner.parent].details["line"] == 12


def test_what_lies_between_recorded_steps_is_left_out(tmp_path: Path) -> None:
    between = {"kind": "data", "site": "", "start_ns": 210, "end_ns": 290, "parent": -1}
    spans = [*traces.SCRIPT["spans"][:3], between, traces.SCRIPT["spans"][3]]
    assert profile(tmp_path, spans=spans).shares["data"] == 0.2
