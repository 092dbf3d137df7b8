"""`profile` and `diagnose` of a recording: the page, the trace, and what changed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.read import traces

from unslow.cli.diagnose import COMMAND as DIAGNOSE
from unslow.cli.profile import COMMAND as PROFILE


def recording(path: Path, product_us: float = 40) -> str:
    events = [
        event
        for number in range(3)
        for event in (
            traces.step(number, 1000 * number, 100),
            traces.op("aten::mm", 1000 * number + 10, product_us),
        )
    ]
    return str(traces.kineto(path, events))


@pytest.mark.parametrize("command", [PROFILE, DIAGNOSE])
def test_a_page_is_written_where_it_is_asked_for(command: object, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    result = CliRunner().invoke(command, [recording(tmp_path / "a.json"), "--page", str(page)])  # type: ignore[arg-type]
    assert result.exit_code == 0, result.output
    assert "<title>aten::mm\ncompute · 120 µs (40 %) · 3 calls</title>" in page.read_text()


def test_nothing_is_written_that_is_not_asked_for(tmp_path: Path) -> None:
    before = recording(tmp_path / "a.json")
    assert CliRunner().invoke(DIAGNOSE, [before]).exit_code == CliRunner().invoke(PROFILE, [before]).exit_code == 0
    assert [file.name for file in tmp_path.iterdir()] == ["a.json"]


def test_what_changed_since_another_recording(tmp_path: Path) -> None:
    asked = [recording(tmp_path / "b.json", 70), "--against", recording(tmp_path / "a.json", 40)]
    shown = CliRunner().invoke(PROFILE, asked).output
    assert "of a step" in shown and "+30 µs" in shown and "compare A B" in shown
    found = json.loads(CliRunner().invoke(PROFILE, [*asked, "--json"]).stdout)
    assert found["schema"] == "unslow.profile-difference/1" and found["comparable"]
    assert {one["name"]: round(one["difference_ms"], 6) for one in found["names"]} == {"aten::mm": 0.03, "step": -0.03}


def test_the_trace_of_a_recording_is_ours(tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    asked = [recording(tmp_path / "a.json"), "--perfetto", str(out)]
    assert CliRunner().invoke(PROFILE, asked).exit_code == 0
    trace = json.loads(out.read_text())
    assert trace["otherData"]["schema"] == "unslow.perfetto/1"
    assert [event["dur"] for event in trace["traceEvents"] if event["name"] == "aten::mm"] == [40, 40, 40]
