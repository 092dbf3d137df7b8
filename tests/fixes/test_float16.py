"""The fix `float16`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from unslow.fixes.float16 import FIX

from .workshop import MACHINE, WORKLOAD, FakeWorkshop, on, setting

ABLE = replace(MACHINE, flags=("avx512_fp16",))


def test_refuses_processors_without_the_instructions() -> None:
    assert "emulated" in FIX.refuses(setting())
    assert FIX.refuses(setting(machine=ABLE)) == ""


def test_refuses_what_is_16_bit_already() -> None:
    assert "already" in FIX.refuses(setting(on("torch-module", dtype="bfloat16"), machine=ABLE))


def test_converts_the_model_and_gives_back_the_old_types(tmp_path: Path) -> None:
    after = FIX.apply(WORKLOAD, {}, FakeWorkshop(tmp_path))
    assert after.model.settings == {"dtype": "float16", "output_dtypes": []}
    assert FIX.apply(after, {}, FakeWorkshop(tmp_path)) is after


def test_a_report_names_the_instructions_that_are_missing() -> None:
    assert FIX.why_slower(setting(machine=replace(MACHINE, flags=("avx2",)))) == (
        "no avx512_fp16 or amx_fp16: float16 is emulated here"
    )
    assert "no asimdhp:" in FIX.why_slower(setting(machine=replace(MACHINE, flags=("asimd",))))
    assert not FIX.why_slower(setting(machine=replace(MACHINE, flags=("amx_fp16",))))
