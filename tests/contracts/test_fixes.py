"""What holds for every fix that is found: its documentation and its test exist, and what it declares is known."""

from __future__ import annotations

import copy
import importlib
import importlib.util
import inspect
import json
import typing
from dataclasses import replace
from pathlib import Path

import pytest

from unslow.core.discover import documentation, plugins
from unslow.core.facts import Facts, Leaf
from unslow.core.finding import Habit
from unslow.core.jsonable import to_json
from unslow.core.machine import Machine
from unslow.core.variant import OBJECTIVES, Fix, Setting, Tag
from unslow.core.workload import Model, Target, Workload
from unslow.fixes import all_fixes

FIXES = all_fixes()
RUNTIMES = {"torch-module", "exported-program", "onnxruntime", "openvino", "aot-inductor", "function", "script"}
MOST_LINES, MOST_PARAMETER_SETS = 200, 6
MACHINE = Machine("a processor", 4, 8, 4, None, 16 << 30, ("avx2", "avx512_bf16"), (), "Linux", "3.11")
FACTS = Facts(
    "torch", 64, 0.01, 1.0, 1 << 30, 0.01, batch_axis=True, inputs=(Leaf("x", "float32", (((1, 8), 40), ((1, 9), 24))),)
)  # fmt: skip

each = pytest.mark.parametrize("fix", FIXES.values(), ids=FIXES.keys())


def _module(fix: Fix) -> str:
    return f"unslow.fixes.{fix.name.replace('-', '_')}"


def _settings(fix: Fix) -> list[Setting]:
    workloads = [
        Workload(Target("python-file", "/model.py", "model"), Model(runtime, "")) for runtime in sorted(fix.runtimes)
    ]
    return [Setting(workload, FACTS, MACHINE, objective) for workload in workloads for objective in OBJECTIVES]


@each
def test_documentation_is_complete(fix: Fix) -> None:
    assert documentation(_module(fix))[""]


@each
def test_a_test_exists(fix: Fix) -> None:
    assert (Path(__file__).parents[1] / "fixes" / f"test_{fix.name.replace('-', '_')}.py").is_file()


@each
def test_the_file_is_short_and_imports_no_library(fix: Fix) -> None:
    source = inspect.getsource(importlib.import_module(_module(fix)))
    assert len(source.splitlines()) <= MOST_LINES
    imported = [line for line in source.splitlines() if line.startswith(("import ", "from "))]
    heavy = ("torch", "onnx", "onnxruntime", "openvino", "nncf")
    assert not [line for line in imported if line.split()[1].split(".")[0] in heavy]


@each
def test_what_it_declares_is_known(fix: Fix) -> None:
    assert fix.tag in typing.get_args(Tag)
    assert fix.slot.isidentifier() and fix.slot.islower()
    assert fix.runtimes and fix.runtimes <= RUNTIMES
    assert fix.gives in RUNTIMES | {""}
    assert fix.objectives and fix.objectives <= set(OBJECTIVES)
    assert 0 < fix.odds <= 1 and fix.build_seconds > 0
    assert fix.treats and len(set(fix.treats)) == len(fix.treats)
    assert fix.does and not fix.does.endswith(".")


@each
def test_the_habits_that_it_treats_exist(fix: Fix) -> None:
    assert set(fix.treats) <= set(plugins("unslow.habits", "HABIT", Habit))


def test_every_habit_is_treated_or_is_advice_only() -> None:
    treated = {habit for fix in FIXES.values() for habit in fix.treats}
    for name, habit in plugins("unslow.habits", "HABIT", Habit).items():
        assert (name in treated) != habit.advice_only, name


@each
def test_the_space_is_small_and_plain(fix: Fix) -> None:
    for setting in _settings(fix):
        space = fix.space(setting)
        assert len(space) <= MOST_PARAMETER_SETS
        assert len({json.dumps(to_json(parameters), sort_keys=True) for parameters in space}) == len(space)
        assert space or fix.refuses(setting), "nothing to try, and no reason given"


@each
def test_a_refusal_is_one_plain_sentence(fix: Fix) -> None:
    for setting in _settings(fix):
        reason = fix.refuses(setting)
        assert "\n" not in reason and not reason.endswith(".")


@each
def test_asking_changes_nothing(fix: Fix) -> None:
    for setting in _settings(fix):
        before = copy.deepcopy(setting)
        assert (fix.refuses(setting), fix.space(setting)) == (fix.refuses(setting), fix.space(setting))
        assert setting == before


@each
def test_it_copes_with_nothing_known(fix: Fix) -> None:
    for setting in _settings(fix):
        bare = replace(
            setting,
            facts=Facts("function", 1, 0.0, 0.0, 0, 0.0),
            machine=replace(MACHINE, cores=1, flags=(), memory_bytes=0),
        )
        assert isinstance(fix.refuses(bare), str)
        fix.space(bare)
