"""What the benches make of what they measured: bars, agreement, the journal after a kill, the page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench import _common
from bench._common import Bar, repeated, saved, told
from bench._compared import ProcessTurns, seconds_of_pairs
from bench.bars.kill9 import measured_twice, records_of
from bench.peers._agreement import agreement
from bench.peers._shown import table
from bench.peers.run import PEERS, Row
from bench.table import page
from unslow.core.errors import BadUsage
from unslow.core.estimate import Estimate
from unslow.verify.outputs import Answers


@pytest.fixture(autouse=True)
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(_common, "RESULTS", tmp_path)
    return tmp_path


def answers(*rows: list[float]) -> Answers:
    return Answers.of([[np.array(row)] for row in rows])


class TestRepeated:
    def test_measures_only_what_is_missing(self) -> None:
        seen: list[int] = []
        assert repeated("x", 2, lambda number: seen.append(number) or number, {"a": 1}) == [0, 1]
        assert repeated("x", 3, lambda number: seen.append(number) or number, {"a": 1}) == [0, 1, 2]
        assert seen == [0, 1, 2]

    def test_begins_anew_for_another_workload(self) -> None:
        repeated("x", 1, lambda number: "old", {"a": 1})
        assert repeated("x", 1, lambda number: "new", {"a": 2}) == ["new"]

    def test_keeps_each_run_at_once(self) -> None:
        def second_fails(number: int) -> int:
            if number:
                raise KeyboardInterrupt
            return 7

        with pytest.raises(KeyboardInterrupt):
            repeated("x", 2, second_fails, {})
        assert saved("x")["runs"] == [7]


def test_a_bar_is_told_and_kept(capsys: pytest.CaptureFixture[str], results: Path) -> None:
    told(Bar("speed", "a thing", "≥ 2×", 2.5, True, "×", 2.25, 2.75))
    told(Bar("other", "an|other", "0", 1, False))
    assert capsys.readouterr().out.splitlines() == [
        "speed: 2.5× (2.25 to 2.75) pass [≥ 2×]",
        "other: 1 miss [0]",
    ]
    assert "| a thing | ≥ 2× | 2.5× (2.25 to 2.75) | pass |" in page(results)
    assert "| an\\|other | 0 | 1 | **miss** |" in page(results)


def test_no_results_are_said(results: Path) -> None:
    assert "No results yet" in page(results)


def test_no_such_example() -> None:
    with pytest.raises(BadUsage):
        _common.target_of("nothing")


class TestAgreement:
    def test_the_same(self) -> None:
        found = agreement(answers([1.0, 2.0], [3.0, 0.0]), answers([2.0, 4.0], [3.0, 0.0]))
        assert (found.cosine_least, found.top_1, found.requests) == (pytest.approx(1), 1, 2)

    def test_another(self) -> None:
        found = agreement(answers([1.0, 0.0], [3.0, 0.0]), answers([0.0, 1.0], [3.0, 0.0]))
        assert (found.cosine_mean, found.cosine_least, found.top_1) == (pytest.approx(0.5), 0, 0.5)


class TestKilled:
    def test_a_line_that_was_cut_off_is_none(self) -> None:
        assert records_of('{"kind": "heat", "key": "a"}\n{"kind": "he') == [{"kind": "heat", "key": "a"}]
        assert records_of("") == []

    def test_a_survey_may_be_there_twice(self) -> None:
        assert measured_twice([{"kind": "survey", "key": "original"}] * 2) == []

    def test_a_heat_may_not(self) -> None:
        records: list[dict[str, Any]] = [{"kind": kind, "key": "a"} for kind in ("heat", "final", "heat")]
        assert measured_twice(records) == [("heat", "a")]


class TestTurnSeconds:
    def test_warming_up_is_left_out(self) -> None:
        a = ProcessTurns([9.0, 9.0, 1.0, 2.0], [0.0, 1.0, 20.0, 22.0])
        b = ProcessTurns([8.0, 8.0, 3.0, 4.0], [10.0, 11.0, 21.0, 23.0])
        assert seconds_of_pairs(a, b) == 10

    def test_no_pairs(self) -> None:
        assert seconds_of_pairs(ProcessTurns([9.0], [0.0]), ProcessTurns([8.0], [10.0])) == 0
        assert seconds_of_pairs(ProcessTurns([9.0], [0.0]), ProcessTurns()) == 0


def test_the_peers_table_says_what_did_not_run() -> None:
    rows = [Row("one", Estimate(2.0, 1.9, 2.1, 0.95, 3)), Row("two", reason="olive-ai is not installed")]
    text = table("encoder", rows)
    assert "| one | 2.00× (1.90 to 2.10) |" in text
    assert "did not run: olive-ai is not installed" in text


@pytest.mark.parametrize("peer", list(PEERS))
def test_peers_are_files_with_their_workloads(peer: str) -> None:
    file, suffix = PEERS[peer]
    text = (Path(_common.HERE) / "peers" / f"{file}.py").read_text()
    for example in ("encoder", "classifier"):
        assert f"@unslow.workload\ndef {example}{suffix}() -> unslow.Inference:" in text


def test_results_are_json_without_infinities(results: Path) -> None:
    _common.save("x", {"high": float("inf")})
    assert json.loads((results / "x.json").read_text()) == {"high": "inf"}
