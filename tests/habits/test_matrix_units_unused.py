from __future__ import annotations

import pytest

from handmade import evidence, found, gpu_model, machine, model, noted, op, phase, script, step, the
from unslow.core.profile import Profile
from unslow.habits.matrix_units_unused import HABIT

PRODUCTS = step(
    phase("data", 20, "data"),
    phase("forward", 30, calls=(op("aten::mm", 20, op="aten::mm"), op("aten::relu", 10, op="aten::relu"))),
    phase("backward", 50, calls=(op("aten::mm", 30, op="aten::mm"),)),
    source="script",
)
PHASES = step(phase("forward", 20), phase("backward", 40), source="script")
FEW = step(phase("data", 80, "data"), phase("forward", 10), phase("backward", 10), source="script")
WITH_UNITS = machine(flags=("avx2", "amx_bf16"))
FLOORS = {"bfloat16/float32:matmul": 0.25, "bfloat16/float32:conv": 0.5}


@pytest.mark.parametrize(
    "called",
    [
        model(autocast=True),
        model(parameter_bytes={"bfloat16": 100}),
        model(parameter_bytes={}),
        model(times_in_steps=0),
    ],
)
def test_what_is_not_in_float32(called: object) -> None:
    assert not found(HABIT, evidence(PRODUCTS, script(noted=(called,)), WITH_UNITS))


def test_a_script_that_turns_autocast_on_by_itself() -> None:
    known = script(noted=(model(), noted("autocast", device="cpu", dtype="bfloat16")))
    assert not found(HABIT, evidence(PRODUCTS, known, WITH_UNITS))


def test_a_script_without_a_model() -> None:
    assert not found(HABIT, evidence(PRODUCTS, script()), evidence(PRODUCTS))


@pytest.mark.parametrize("step", [FEW, PRODUCTS])
def test_a_processor_that_would_emulate_them(step: Profile) -> None:
    emulated = {"bfloat16/float32:matmul": 6.0, "bfloat16/float32:conv": 8.0}
    assert not found(HABIT, evidence(step, script(noted=(model(),)), machine(floors=emulated)))


def fed(waits: int, product: int) -> Profile:
    """Of 100."""
    return step(
        phase("data", waits, "data"),
        phase("forward", 100 - waits, calls=(op("aten::mm", product, op="aten::mm"),)),
        source="script",
    )


def test_a_few_products_count_where_the_rest_is_waiting_for_data() -> None:
    known, units = script(noted=(model(),)), machine(flags=("amx_bf16",), floors=FLOORS)
    assert not found(HABIT, evidence(fed(0, 4), known, units), evidence(fed(99, 1), script(), units))
    finding = the(HABIT, evidence(fed(50, 4), known, units))
    assert finding.share == pytest.approx(0.04)


def test_products_that_the_units_would_take() -> None:
    finding = the(HABIT, evidence(PRODUCTS, script(noted=(model(),)), machine(flags=("amx_bf16",), floors=FLOORS)))
    assert finding.share == pytest.approx(0.5) and finding.floor == pytest.approx(0.25)
    assert finding.site == "train.py:3" and "50 %" in finding.title and "lie idle" in finding.title


def test_where_no_operators_were_recorded_the_passes_are_at_stake() -> None:
    finding = the(HABIT, evidence(PHASES, script(noted=(model(),)), machine(flags=("amx_bf16",), floors=FLOORS)))
    assert finding.share == pytest.approx(0.6) and finding.floor is None


def test_a_model_in_float64_is_looked_at_as_what_it_may_become() -> None:
    doubles = step(
        phase("forward", 40, calls=(op("aten::mm", 40, op="aten::mm", dtypes=["float64"], shapes=[[8, 8]]),)),
        phase("backward", 60, calls=(op("aten::mm", 60, op="aten::mm", dtypes=["float64"], shapes=[[8, 8]]),)),
        source="script",
    )
    known = script(noted=(model(parameter_bytes={"float64": 100}),))
    narrower = {**FLOORS, "float32/float64:matmul": 0.5}
    finding = the(HABIT, evidence(doubles, known, machine(flags=("amx_bf16",), floors=narrower)))
    assert finding.share == pytest.approx(0.5) and finding.floor == pytest.approx(0.25)
    assert (
        "would be left for float64 products made float32" in finding.title
        and finding.evidence["float64_parameter_bytes"] == 100
    )


def test_a_gpu_has_them() -> None:
    finding = the(HABIT, evidence(PRODUCTS, script(noted=(gpu_model(),))))
    assert finding.floor is None and "lie idle" in finding.title and finding.share == pytest.approx(0.8)
