"""The fix `bfloat16`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from unslow.core.facts import Leaf
from unslow.fixes.bfloat16 import FIX

from .workshop import FACTS, MACHINE, WORKLOAD, FakeWorkshop, on, setting

ANSWERS = replace(FACTS, outputs=(Leaf("y", "float32", (((1, 8), 1),)),))


def test_refuses_processors_without_the_instructions() -> None:
    assert "emulated" in FIX.refuses(setting(machine=replace(MACHINE, flags=("avx2", "avx512f"))))


def test_refuses_where_it_is_known_not_to_pay() -> None:
    slower = replace(MACHINE, floors={"bfloat16/float32:matmul": 1.4})
    assert "1.40" in FIX.refuses(setting(machine=slower))


def test_refuses_what_is_16_bit_already() -> None:
    for workload in (on("torch-module", autocast="bfloat16"), on("openvino", "m.xml", precision="bf16")):
        assert "already" in FIX.refuses(setting(workload))


def test_is_tried_where_nothing_is_known_or_it_pays() -> None:
    assert FIX.refuses(setting()) == ""
    assert (
        FIX.refuses(setting(machine=replace(MACHINE, flags=("amx_bf16",), floors={"bfloat16/float32:matmul": 0.5})))
        == ""
    )


def test_torch_converts_the_whole_model_or_its_products(tmp_path: Path) -> None:
    workshop = FakeWorkshop(tmp_path, ANSWERS)
    first, second = (FIX.apply(WORKLOAD, parameters, workshop) for parameters in FIX.space(setting()))
    assert first.model.settings == {"dtype": "bfloat16", "output_dtypes": ["float32"]}
    assert second.model.settings == {"autocast": "bfloat16", "output_dtypes": ["float32"]}


def test_openvino_has_a_switch(tmp_path: Path) -> None:
    before = on("openvino", "model.xml", precision="f32")
    (parameters,) = FIX.space(setting(before))
    assert FIX.apply(before, parameters, FakeWorkshop(tmp_path)).model.settings == {"precision": "bf16"}


def test_a_report_names_the_instructions_that_are_missing() -> None:
    assert FIX.why_slower(setting(machine=replace(MACHINE, flags=("avx2",)))) == (
        "no avx512_bf16 or amx_bf16: bfloat16 is emulated here"
    )
    assert "no bf16:" in FIX.why_slower(setting(machine=replace(MACHINE, flags=("asimd",))))
    assert not FIX.why_slower(setting(machine=replace(MACHINE, flags=("amx_bf16",))))
