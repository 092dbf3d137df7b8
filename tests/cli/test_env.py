from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from unslow.cli.env import COMMAND, cores_in_words, facts_in_words
from unslow.core.machine import Machine
from unslow.machine import facts

MACHINE = Machine(
    processor="CPU [red]x[/red]",
    cores=2,
    logical_cores=8,
    physical_cores=4,
    cpu_quota=1.5,
    memory_bytes=8_000_000_000,
    flags=("avx2", "fpu", "amx_bf16"),
    accelerators=(),
    system="Linux",
    python="3.11",
    libraries={"numpy": "2.0"},
    environment={"OMP_NUM_THREADS": "4"},
    floors={"int8/float32:conv": 0.451},
)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Puts `MACHINE` in the place of this one; says with which `floors` it was asked for."""
    calls: list[bool] = []

    def fake(floors: bool = True, remeasure: bool = False) -> Machine:
        assert not remeasure
        calls.append(floors)
        return MACHINE

    monkeypatch.setattr(facts, "this_machine", fake)
    return calls


def test_the_table_says_it_in_words(asked: list[bool]) -> None:
    result = CliRunner().invoke(COMMAND, [])
    assert result.exit_code == 0
    shown = " ".join(result.output.split())
    assert "int8 convolutions take 0.45 of float32's time" in shown
    assert "2 usable of 8 logical, 4 physical (quota 1.5)" in shown
    assert asked == [True]


def test_what_comes_from_the_machine_is_no_markup(asked: list[bool]) -> None:
    assert "CPU [red]x[/red]" in CliRunner().invoke(COMMAND, ["--no-floors"]).output
    assert asked == [False]


def test_json_is_the_machine_with_a_schema(asked: list[bool]) -> None:
    data = json.loads(CliRunner().invoke(COMMAND, ["--json"]).output)
    assert data["schema"] == "unslow.environment/1"
    assert data["floors"] == {"int8/float32:conv": 0.451}


def test_only_telling_flags_are_shown() -> None:
    assert dict(facts_in_words(MACHINE))["Instructions"] == "avx2 amx_bf16"


def test_without_a_quota_none_is_named() -> None:
    from dataclasses import replace

    assert cores_in_words(replace(MACHINE, cpu_quota=None)) == "2 usable of 8 logical, 4 physical"


def test_help_has_examples() -> None:
    assert "Examples:" in CliRunner().invoke(COMMAND, ["--help"]).output
