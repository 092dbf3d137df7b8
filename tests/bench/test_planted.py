"""The planted suite's harness: what a program says of itself, and how its rows are judged."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bench._planted import program_of
from bench.planted import Row, bars, table

SCRIPT = '"""Trains.\n\nPlanted: float64-compute\nBy hand: in float32.\n"""\nimport sys\n'
WORKLOAD = '"""Answers.\n\nPlanted: nothing\n"""\nimport unslow\n@unslow.workload\ndef clean():\n    return 1\n'


def test_a_program_that_says_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text('"""Trains."""\n')
    with pytest.raises(ValueError, match="does not say"):
        program_of(tmp_path / "a.py")


def test_a_script_is_fixed_by_its_flag(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(SCRIPT)
    program = program_of(tmp_path / "a.py")
    assert (program.habit, program.by_hand, program.is_clean) == ("float64-compute", "in float32.", False)
    assert program.target == str(tmp_path / "a.py") and program.without == f"{tmp_path / 'a.py'} --fixed"


def test_a_workload_has_functions(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(WORKLOAD)
    program = program_of(tmp_path / "a.py")
    assert program.is_clean and program.target.endswith("a.py:clean") and program.without.endswith("a.py:fixed")


GOOD = Row("a", "tiny-batches", "tiny-batches", ceiling=2.0, gain=1.8)


def by_name(*rows: Row) -> dict[str, tuple[float, bool]]:
    return {bar.name: (bar.value, bar.passed) for bar in bars(rows)}


def test_what_is_missed_or_fails_is_wrong() -> None:
    missed, failed = Row("b", "float64-compute", "python-bound"), Row("c", "float64-compute", failed="It raised.")
    found = by_name(GOOD, missed, failed)
    assert found["planted-first"] == (pytest.approx(1 / 3), False)
    assert "**python-bound**" in table([missed]) and "**It raised.**" in table([failed])


def test_a_clean_program_with_a_finding_is_wrong() -> None:
    found = by_name(Row("a", "nothing"), Row("b", "nothing", "python-bound"))
    assert found["planted-clean"] == (1, False) and Row("a", "nothing").is_right


def test_gains_are_held_to_their_ceilings() -> None:
    above, little = Row("b", "x", "x", ceiling=2.0, gain=2.2), Row("c", "x", "x", ceiling=2.0, gain=1.3)
    unbounded = Row("d", "x", "x", gain=9.0)
    found = by_name(GOOD, above, little, unbounded)
    assert found["planted-ceiling"] == (1, False) and found["planted-realised"] == (pytest.approx(2 / 3), False)
    assert by_name(GOOD)["planted-ceiling"] == (0, True) and by_name(GOOD)["planted-realised"] == (1.0, True)


CONDITIONAL = WORKLOAD.replace(
    "Planted: nothing\n", "Planted: nothing\nBy hand: nothing.\nShows where: bfloat16/float32:matmul {}\n"
)


@pytest.mark.parametrize("said", ["under 1", "below", "below one"])
def test_where_it_shows_is_said_in_one_form(said: str, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(CONDITIONAL.format(said))
    with pytest.raises(ValueError, match="where it shows"):
        program_of(tmp_path / "a.py")


@pytest.mark.parametrize(
    ("said", "measured", "holds"), [("below 1", 0.5, True), ("below 1", 2.0, False), ("above 1.2", 2.0, True)]
)
def test_a_micro_benchmark_says_where_it_shows(said: str, measured: float, holds: bool, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(CONDITIONAL.format(said))
    condition = program_of(tmp_path / "a.py").shows_where
    assert condition is not None and str(condition) == f"bfloat16/float32:matmul {said}"
    assert condition.holds({"bfloat16/float32:matmul": measured}) is holds and not condition.holds({})


def test_a_quota_is_said_in_one_form(tmp_path: Path) -> None:
    quoted = SCRIPT.replace("in float32.\n", "in float32.\nQuota: {}\n")
    (tmp_path / "a.py").write_text(quoted.format("1.5 cores"))
    assert program_of(tmp_path / "a.py").quota_cores == 1.5
    (tmp_path / "a.py").write_text(quoted.format("half a core"))
    with pytest.raises(ValueError, match="quota"):
        program_of(tmp_path / "a.py")


def test_what_does_not_show_here_is_left_out_of_the_bars() -> None:
    found = by_name(GOOD, Row("b", "subnormal-numbers", left_out="shows where x below 0.8"))
    assert found["planted-first"] == (1.0, True)
    assert "left out: shows where x" in table([Row("b", "x", left_out="shows where x below 0.8")])


def test_how_long_a_diagnosis_takes_beyond_the_steps_is_held_to_its_limit() -> None:
    quick, slow = Row("b", "nothing", beyond_s=9.0), Row("c", "nothing", beyond_s=21.0)
    assert by_name(quick, Row("d", "nothing"))["planted-beyond"] == (9.0, True)
    assert by_name(quick, slow)["planted-beyond"] == (21.0, False)
    assert by_name(quick, replace(slow, left_out="shows elsewhere"))["planted-beyond"] == (9.0, True)
