from __future__ import annotations

from dataclasses import replace

import pytest

from handmade import EMPTY, Op, evidence, facts, found, machine, op, script, step, the
from unslow.core.facts import Facts, ThreadPool
from unslow.habits.cores_idle import HABIT

STEP = step(op("aten::addmm", 80))


def using(cores: float) -> Facts:
    return facts(cpu_seconds_per_request=cores * 100e-6, thread_pools=(ThreadPool("openmp", 1),))


def brief(us: float) -> Op:
    """Ten short operators."""
    return Op("aten::mul", us, "compute", {"op": "aten::mul", "calls": 10})


def test_a_machine_of_one_core_has_none_to_spare() -> None:
    assert not found(HABIT, evidence(STEP, using(0.4), machine(cores=1)))


def test_all_cores_in_use() -> None:
    assert not found(HABIT, evidence(STEP, using(2.0), machine(cores=2)), evidence(STEP, using(1.6), machine(cores=2)))


def test_waiting_needs_no_cores() -> None:
    waiting = step(op("read", 70, category="data"), op("aten::mm", 20))
    assert not found(HABIT, evidence(waiting, using(0.3), machine(cores=8)), evidence(EMPTY, using(1.0)))


def test_unmeasured_use_says_nothing() -> None:
    assert not found(HABIT, evidence(STEP, facts(cpu_seconds_per_request=0.0), machine(cores=8)))
    assert not found(HABIT, evidence(STEP, facts(seconds_per_request=0.0), machine(cores=8)))


def test_what_neighbours_take_cannot_be_had() -> None:
    assert the(HABIT, evidence(STEP, using(0.6), machine(cores=4))).floor == pytest.approx(0.25)


def test_nor_is_a_core_idle_that_another_program_keeps_busy() -> None:
    beside = replace(using(1.0), cores_taken=0.9)
    assert not found(HABIT, evidence(STEP, beside, machine(cores=2)))
    assert the(HABIT, evidence(STEP, beside, machine(cores=3))).floor == pytest.approx(1 / 2.1)


def test_one_of_two_cores() -> None:
    finding = the(HABIT, evidence(STEP, using(1.0), machine(cores=2)))
    assert finding.share == pytest.approx(0.8)
    assert finding.floor == pytest.approx(0.5)
    assert finding.ceiling == pytest.approx(1 / 0.6)
    assert finding.title.startswith("1.0 of 2 cores")
    assert finding.evidence["pool_threads"] == 1


def test_a_script_of_operators_too_short_to_be_split() -> None:
    known = replace(script(), cpu_seconds_per_request=100e-6)
    short = step(brief(70), op("aten::mm", 20, op="aten::mm"))
    assert not found(HABIT, evidence(short, known, machine(cores=2)))
    assert found(HABIT, evidence(short, using(1.0), machine(cores=2)))  # requests can be answered side by side
    long = step(brief(20), op("aten::mm", 70, op="aten::mm"))
    assert the(HABIT, evidence(long, known, machine(cores=2))).share == pytest.approx(0.7)


def native(innermost: str, us: float = 80) -> Op:
    stack = ["train.py:12 <module>", *([innermost] if innermost else [])]
    return op("f", us, "", file="train.py", line=12, stack=stack, sampled=True)


def on_pool(name: str, threads: int) -> Facts:
    return replace(script(), cpu_seconds_per_request=100e-6, thread_pools=(ThreadPool(name, threads),))


@pytest.mark.parametrize("innermost", ["", "numpy/_core/_methods.py:3 _sum"])
def test_numpy_splits_nothing_but_products(innermost: str) -> None:
    table = step(native(innermost))
    assert not found(HABIT, evidence(table, on_pool("openblas", 2), machine(cores=2)))
    assert not found(HABIT, evidence(table, on_pool("openmp", 1), machine(cores=2)))
    assert the(HABIT, evidence(table, on_pool("openblas", 1), machine(cores=2))).share == pytest.approx(0.8)


def test_a_script_that_calls_a_library_with_threads() -> None:
    session = step(native("onnxruntime/capi/session.py:3 run"))
    assert the(HABIT, evidence(session, on_pool("openblas", 2), machine(cores=2))).share == pytest.approx(0.8)
    # What PyTorch computes is seen by its operators.
    assert not found(HABIT, evidence(step(native("torch/nn/functional.py:3 linear")), on_pool("openblas", 2)))


def test_what_a_script_computes_beside_that_keeps_one_core_busy() -> None:
    """1.4 cores over all: 1.8 of them in the half that has threads."""
    split = step(native("scipy/fft/_basic.py:3 r2c", 50), native("", 50))
    known = replace(on_pool("openblas", 2), cpu_seconds_per_request=140e-6)
    assert not found(HABIT, evidence(split, known, machine(cores=2)))
    one = the(HABIT, evidence(split, on_pool("openblas", 2), machine(cores=2)))
    assert one.share == pytest.approx(0.5) and one.floor == pytest.approx(0.5)


def test_products_that_are_imitated_are_another_habits() -> None:
    slower = machine(cores=2, floors={"bfloat16/float32:matmul": 2.0})
    known = replace(script(), cpu_seconds_per_request=100e-6)
    short, full = (step(op("aten::mm", 80, dtype, op="aten::mm")) for dtype in ("bfloat16", "float32"))
    assert not found(HABIT, evidence(short, known, slower))
    assert found(HABIT, evidence(full, known, slower), evidence(short, known, machine(cores=2)))
