"""What holds for every habit that is found, whatever it looks for."""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import math
from dataclasses import replace
from pathlib import Path

import made_devices
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handmade import EMPTY, evidence, facts, gpu_model, loader, machine, model, noted, op, phase, scoring, script, step
from unslow.core.discover import HEADINGS, documentation
from unslow.core.facts import FileRead, Leaf, ThreadPool
from unslow.core.finding import Evidence, Finding, Habit
from unslow.core.jsonable import from_json, to_json
from unslow.core.profile import Profile, Span
from unslow.core.script import Site, Written
from unslow.habits import all_habits, diagnose

HABITS = all_habits()
MOST_LINES = 120
# What is wrong, as DESIGN.md's names of habits say it; a new habit that says it otherwise adds its word here.
PROBLEMS = (
    "at-inference", "float64-", "full-precision-", "uncompiled", "tiny", "waste", "bound", "subnormal",
    "oversubscribed", "ignored", "idle", "reloaded", "unused", "-off", "not-", "too-few", "unfused", "slow",
    "retracing", "rebuilt", "restart", "repeated", "row-by-row", "per-sample", "every-step", "left-on",
    "in-the-loop", "without", "underused", "pageable", "straggler", "dominate", "fallback", "wrapper", "at-a-time",
    "in-turn", "in-main", "by-fill", "unplanned", "search", "emulated",
)  # fmt: skip
FLOOR_NAMES = (
    "inference_mode/autograd:dispatch", "float32/float64:matmul", "float32/float64:elementwise",
    "int8/float32:matmul", "bfloat16/float32:matmul", "int8/float32:conv", "bfloat16/float32:conv",
    "graph/eager:elementwise", "graph/eager:matmul", "graph/eager:conv", "graph/eager:dispatch",
    "batched/single:matmul", "batched/single:vector", "batched/single:dispatch", "normal/subnormal:elementwise",
    "right/oversubscribed:matmul",
)  # fmt: skip

BUSY = step(
    op("aten::addmm", 10, "float64"), op("aten::mm", 10, "bfloat16"), op("aten::mkldnn_convolution", 15),
    op("aten::native_dropout", 10),
    op("aten::relu", 10), op("load_model", 5, "", category="setup"), op("Conv", 5), op("BatchNormalization", 5),
)  # fmt: skip
ATTENTION = step(
    op("aten::bmm", 20, "", dtypes=["float32"] * 2, shapes=[[4, 32, 16], [4, 16, 32]]),
    op("aten::_softmax", 20, shape=(4, 32, 32)),
    op("aten::bmm", 20, "", dtypes=["float32"] * 2, shapes=[[4, 32, 32], [4, 32, 16]]),
)
ZERO = Profile((Span("step", "framework", 5, 5), Span("aten::mm", "compute", 5, 5, 0)), "kineto", requests=1)
GUILTY = facts(
    grad_recorded=True, training=("drop",), parameter_bytes={"float32": 8, "float64": 8}, subnormal_share=0.2,
    padding_share=0.4, padding_mask="mask", batch_axis=True, inputs=(Leaf("x", "float64", (((1, 8), 9),)),),
    files_read=(FileRead("model.onnx", 10**7, 1.0),), thread_pools=(ThreadPool("openmp", 64),), dispatch_seconds=1e-6,
    cpu_seconds_per_request=150e-6,
)  # fmt: skip
MACHINES = (
    machine(), machine(cores=1), machine(cores=8, logical_cores=64, cpu_quota=7.5),
    *(machine(cores=8, floors=dict.fromkeys(FLOOR_NAMES, floor)) for floor in (0.0, 0.5, 1.0, 4.0)),
)  # fmt: skip
SCRIPT_STEP = step(
    phase("data", 40, "data"), phase("forward", 10), phase("backward", 20), phase("optimizer", 10),
    phase("zero-grad", 5), phase("checkpoint", 10, "io"), source="script",
)  # fmt: skip
LOOPING = step(
    *(
        op("f", 600, "", category=category, file="a.py", line=3, stack=["a.py:3 f"], sampled=True)
        for category in ("framework", "other")
    ),
    us=2000,
    source="script",
)
SCRIPTS = [
    script(
        loader(workers=workers, restart_s=1e-3, collate_s=0.01, item_s=item_s, slowest_line="a.py:3"),
        written=(Written("checkpoint", Site("train.py", 20), 1.0, 10e-6, call="torch.serialization.save"),),
        noted=(
            noted("double", call="Module.double", elements=100), noted("backward", dtype="float64"),
            noted("fill", positional=False),
            called,
            noted("anomaly", call="set_detect_anomaly", positional=True),
            noted("optimizer", **{"class": "Adam", "module": "torch.optim.adam", "tensors": 6, "can_be_fused": True,
                                  "fused": False, "foreach": False}),
            replace(noted("arrays", call="tensor", bytes=100), times_in_steps=20, seconds_in_steps=1e-3),
            noted("einsum", times=20, seconds=1e-3, library="numpy", expression="ij,jk,kl->il", order=[[0, 1]],
                  multiplications=1e6, planned=1e4, tried_seconds=1e-5, planned_seconds=1e-6),
            replace(noted("sync", call="bool", device="cuda"), times_in_steps=20, seconds_in_steps=1e-3),
        ),
    )
    for workers, item_s in ((0, 1e-3), (2, 1e-4))
    for called in (model(images=1, convolutions=3), gpu_model(images=1, convolutions=3))
]  # fmt: skip
FORWARD = noted(
    "forward", times=19, model="Net", with_graph=19, rows=19, training=["drop"], shapes=[[1, 8]], floats=True,
    masked=40, mask_size=100, cut=20,
)  # fmt: skip
COPIES = [
    noted("copy", line=line, times=19, seconds=19 * 20e-6, source="cpu", target="cuda", bytes=4000, pinned=False,
          looked_at=16, same=same)
    for line, same in ((7, 0), (8, 15))
]  # fmt: skip
LOADS = noted("load", times=19, seconds=19 * 20e-6, call="torch.load", file="model.pt", bytes=10**7, again=18)
PARALLEL = noted("ddp", find_unused=True, static=False, world=2, exchanges=80, steps=20, looked_at=20, unused=0)
WRAPPED = noted("data-parallel", devices=2)
SCRIPTS += [scoring(FORWARD, LOADS), script(loader(), noted=(FORWARD, *COPIES, PARALLEL, WRAPPED))]
DEVICES = [
    made_devices.profile(*made_devices.SMALL), made_devices.profile(*made_devices.LARGE),
    made_devices.profile(made_devices.activity(0, 500, "copy", **made_devices.PINNED)),
    made_devices.profile(made_devices.activity(0, 500, "communication")),
    made_devices.ranks(500, 900), made_devices.on_an_empty_device(*made_devices.SMALL),
    step(op("Conv", 50, provider="CUDAExecutionProvider"), op("TopK", 20, provider="CPUExecutionProvider")),
]  # fmt: skip
CASES = (
    [
        Evidence(profile, replace(known, framework=framework), on)
        for profile in (EMPTY, ZERO, BUSY, ATTENTION, step(op("f", 90, "")), replace(BUSY, requests=0))
        for known in (facts(), GUILTY)
        for framework in ("torch", "onnx", "exported", "function")
        for on in MACHINES
    ]
    + [Evidence(profile, facts(), machine()) for profile in DEVICES]
    + [
        Evidence(profile, known, on)
        for profile in (EMPTY, SCRIPT_STEP, LOOPING)
        for known in SCRIPTS
        for on in MACHINES
    ]
)

each_habit = pytest.mark.parametrize("habit", HABITS.values(), ids=list(HABITS))


def source_of(habit: Habit) -> Path:
    return Path(inspect.getfile(importlib.import_module(module_of(habit))))


def module_of(habit: Habit) -> str:
    return f"unslow.habits.{habit.name.replace('-', '_')}"


def check(habit: Habit, finding: Finding) -> None:
    assert finding.habit == habit.name
    assert 0 <= finding.share <= 1
    assert finding.ceiling is None or finding.ceiling >= 1
    assert finding.title.endswith(".")
    assert "nan" not in finding.title
    assert all(math.isfinite(value) for value in finding.evidence.values() if isinstance(value, float))
    written = json.loads(json.dumps(to_json(finding), allow_nan=False))
    assert from_json(Finding, written) == finding


@each_habit
def test_documents_itself_under_every_heading(habit: Habit) -> None:
    sections = documentation(module_of(habit))
    assert set(HEADINGS) <= set(sections)
    assert sections[""].endswith((".", ":"))
    assert "source" in sections["How it shows"].lower(), "a threshold needs its source"


@each_habit
def test_has_a_test_of_its_own(habit: Habit) -> None:
    tests = Path(__file__).parent.parent / "habits" / f"test_{habit.name.replace('-', '_')}.py"
    assert "def test_" in tests.read_text(encoding="utf-8")


@each_habit
def test_is_short(habit: Habit) -> None:
    assert len(source_of(habit).read_text(encoding="utf-8").splitlines()) <= MOST_LINES


@each_habit
def test_its_name_states_a_problem(habit: Habit) -> None:
    assert any(word in habit.name for word in PROBLEMS), f"{habit.name} does not say what is wrong"


@each_habit
def test_imports_the_core_and_its_own_room_alone(habit: Habit) -> None:
    tree = ast.parse(source_of(habit).read_text(encoding="utf-8"))
    modules = [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    modules += [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    ours = [name for name in modules if name.startswith("unslow")]
    assert all(name.startswith(("unslow.core", "unslow.habits._")) for name in ours)
    assert not {name.partition(".")[0] for name in modules} & {"torch", "onnx", "onnxruntime", "openvino", "psutil"}


@each_habit
def test_never_raises_and_is_pure(habit: Habit) -> None:
    for case in CASES:
        before = json.dumps(to_json(case))
        first, second = list(habit.detect(case)), list(habit.detect(case))
        assert first == second
        assert json.dumps(to_json(case)) == before
        for finding in first:
            check(habit, finding)


@each_habit
def test_speaks_in_some_case_and_is_silent_where_nothing_is_wrong(habit: Habit) -> None:
    spoken = [finding for case in CASES for finding in habit.detect(case)]
    assert spoken, "no case of this suite makes it speak: add one"
    fine = evidence(EMPTY, facts("function", cpu_seconds_per_request=200e-6))
    assert not list(habit.detect(fine))


@each_habit
def test_without_a_profile_it_gives_no_floor(habit: Habit) -> None:
    for case in (case for case in CASES if case.profile.wall_ns == 0):
        assert all(finding.floor is None for finding in habit.detect(case))


@given(
    durations=st.lists(st.integers(0, 40_000), max_size=6),
    names=st.lists(st.sampled_from(["aten::mm", "aten::relu", "Conv", "aten::dropout", "x"]), min_size=6, max_size=6),
    numbers=st.lists(st.floats(0, 2), min_size=3, max_size=3),
)
def test_any_profile_gives_sound_findings(durations: list[int], names: list[str], numbers: list[float]) -> None:
    operators = [op(name, ns / 1000) for name, ns in zip(names, durations, strict=False)]
    padding, subnormal, dispatch = min(1.0, numbers[0]), numbers[1] / 2, numbers[2]
    known = replace(GUILTY, padding_share=padding, subnormal_share=subnormal, dispatch_seconds=dispatch)
    case = Evidence(step(*operators, us=sum(durations) / 1000 + 1), known, MACHINES[-2])
    for finding in diagnose(case):
        check(HABITS[finding.habit], finding)
